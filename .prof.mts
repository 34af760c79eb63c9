import { useOnnxRuntime } from './train/backend/register.ts';
import { buildModel } from './train/model/presets.ts';
import { blockWidth } from './train/backend/block-width.ts';
import { Learner } from './train/step/learner.ts';
import { trace } from './train/backend/trace.ts';
import { zeros, scalar } from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readFileSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
const [preset='default',rows='64',runs='12']=process.argv.slice(2);
const backend=await useOnnxRuntime({threads:1});
const {model,draw}=buildModel({preset:preset as any,classes:10,seed:1});
const learner=new Learner(model,{averaging:false});
const x=zeros([+rows,784]),y=zeros([+rows,10]),share=scalar(1);
const t=trace(backend,{inputs:{x,y,share,draw},state:learner.state,block:process.env.NOBLOCK?undefined:blockWidth(),compute:()=>({vector:learner.gradients({x,y,share})})});
writeFileSync(`/tmp/mine/${preset}.onnx`,t.model);
process.chdir('/tmp/mine');
const s=await InferenceSession.create(t.model,{executionProviders:['cpu'],intraOpNumThreads:1,graphOptimizationLevel:'all',logSeverityLevel:4,enableProfiling:true,profileFilePrefix:'pf'});
const feeds:Record<string,Tensor>={}; for(const i of t.inputs){const n=(i.shape as number[]).reduce((a,b)=>a*b,1); feeds[i.name]=i.dtype==='int32'?new Tensor('int32',new Int32Array(n),i.shape as number[]):new Tensor('float32',Float32Array.from({length:n},()=>i.name==='x'?(Math.random()<.8?0:Math.random()):(Math.random()-.5)*.1),i.shape as number[]);}
for(let i=0;i<+runs;i++)await s.run(feeds);
(s as any).endProfiling(); const f=readdirSync('.').find(x=>x.startsWith('pf_'))!; const a=JSON.parse(readFileSync(f,'utf8')); unlinkSync(f);
const m=new Map<string,number[]>(); for(const e of a)if(e.cat==='Node'&&e.name.endsWith('_kernel_time')){const k=`${e.args.op_name} ${e.name.replace('_kernel_time','')} ${JSON.stringify(e.args.output_type_shape)}`; (m.get(k)??m.set(k,[]).get(k)!).push(e.dur/1000);}
const rowsOut=[...m].map(([k,v])=>[k,v.sort((a,b)=>a-b)[v.length>>2]!] as const).sort((a,b)=>b[1]-a[1]);
console.log(preset,'total',rowsOut.reduce((s,[,v])=>s+v,0).toFixed(1),'ms nodes',rowsOut.length);
for(const [k,v] of rowsOut.slice(0,32))console.log(v.toFixed(2).padStart(7),k.slice(0,130));
