import { encodeModel } from './train/backend/onnx.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import protobuf from 'protobufjs';
const rnd=(n:number)=>Float32Array.from({length:n},()=>Math.random()-.5);
// generic tiny encoder with domains
const schema=protobuf.parse(`syntax="proto2"; package onnx;
message AttributeProto { optional string name=1; optional float f=2; optional int64 i=3; optional bytes s=4; repeated int64 ints=8; optional int32 type=20; }
message NodeProto { repeated string input=1; repeated string output=2; optional string name=3; optional string op_type=4; repeated AttributeProto attribute=5; optional string domain=7;}
message TensorProto { repeated int64 dims=1; optional int32 data_type=2; optional string name=8; optional bytes raw_data=9; }
message Dim { optional int64 dim_value=1; optional string dim_param=2; } message Shape { repeated Dim dim=1; }
message TT { optional int32 elem_type=1; optional Shape shape=2; } message TypeProto { optional TT tensor_type=1; }
message ValueInfoProto { optional string name=1; optional TypeProto type=2; }
message GraphProto { repeated NodeProto node=1; optional string name=2; repeated TensorProto initializer=5; repeated ValueInfoProto input=11; repeated ValueInfoProto output=12; }
message OperatorSetIdProto { optional string domain=1; optional int64 version=2; }
message ModelProto { optional int64 ir_version=1; repeated OperatorSetIdProto opset_import=8; optional string producer_name=2; optional GraphProto graph=7; }`,{keepCase:true}).root;
const M=schema.lookupType('onnx.ModelProto');
const vi=(name:string,shape:number[])=>({name,type:{tensor_type:{elem_type:1,shape:{dim:shape.map(d=>({dim_value:d}))}}}});
const node=(op:string,input:string[],output:string,attrs:any={},domain='')=>({op_type:op,name:output,input,output:[output],domain,attribute:Object.entries(attrs).map(([name,v]:any)=>typeof v==='number'?{name,i:v,type:2}:{name,ints:v,type:7})});
async function run(nodes:any[],inits:Record<string,bigint[]>,ins:Record<string,number[]>,outs:Record<string,number[]>,feeds:any,n=1){
 const bytes=M.encode(M.fromObject({ir_version:10,opset_import:[{domain:'',version:21},{domain:'com.microsoft.nchwc',version:1}],graph:{name:'g',node:nodes,initializer:Object.entries(inits).map(([name,v])=>({name,dims:[v.length],data_type:7,raw_data:new Uint8Array(BigInt64Array.from(v).buffer)})),input:Object.entries(ins).map(([k,v])=>vi(k,v)),output:Object.entries(outs).map(([k,v])=>vi(k,v))}})).finish();
 const s=await InferenceSession.create(bytes,{intraOpNumThreads:1,graphOptimizationLevel:'all',logSeverityLevel:3});
 let r=await s.run(feeds); let best=1e9; for(let i=0;i<n;i++){const t=performance.now(); r=await s.run(feeds); best=Math.min(best,performance.now()-t);} return {r,best};
}

const B=64, b=8n, D='com.microsoft.nchwc'; const N=(x:number)=>BigInt(x);
const cmp=(p:any,q:any)=>{let d=0,m=0;(p.data as Float32Array).forEach((v,i)=>{m=Math.max(m,Math.abs(v));d=Math.max(d,Math.abs(v-(q.data as Float32Array)[i]!));});return (d/m).toExponential(1);};
for (const [C,O,H] of [[32,32,26],[32,64,12],[64,64,10]] as const){
 const OH=H-2; const x=new Tensor('float32',rnd(B*C*H*H),[B,H,H,C]); const w=new Tensor('float32',rnd(O*C*9),[3,3,C,O]); const dy=new Tensor('float32',rnd(B*OH*OH*O),[B,OH,OH,O]);
 // forward plain: NHWC->NCHW by 3d transposes
 const t=(a:string,o:string,n:number,h:number,c:number)=>[node('Reshape',[a,o+'s'],o+'1'),node('Transpose',[o+'1'],o+'2',{perm:[0,2,1]}),node('Reshape',[o+'2',o+'z'],o)];
 const f0=await run([...t('x','xc',B,H*H,C),node('Transpose',['w'],'wc',{perm:[3,2,0,1]}),node('Conv',['xc','wc'],'yc'),...t('yc','y',B,OH*OH,O)],{xcs:[N(B),N(H*H),N(C)],xcz:[N(B),N(C),N(H),N(H)],ys:[N(B),N(O),N(OH*OH)],yz:[N(B),N(OH),N(OH),N(O)]},{x:[B,H,H,C],w:[3,3,C,O]},{y:[B,OH,OH,O]},{x,w},6);
 const f1=await run([node('ReorderInput',['x'],'xb',{channels_last:1},D),node('Reshape',['w','s1'],'w1'),node('Transpose',['w1'],'w2',{perm:[4,2,0,1,3,5]}),node('Reshape',['w2','s2'],'wb'),node('Conv',['xb','wb'],'yb',{pads:[0,0,0,0],kernel_shape:[3,3],strides:[1,1],dilations:[1,1],group:1},D),node('ReorderOutput',['yb'],'y',{channels:O,channels_last:1},D)],{s1:[3n,3n,N(C)/b,b,N(O)/b,b],s2:[N(O),N(C),3n,3n]},{x:[B,H,H,C],w:[3,3,C,O]},{y:[B,OH,OH,O]},{x,w},6);
 console.log('fwd',C,O,H,f0.best.toFixed(2),f1.best.toFixed(2),cmp(f0.r.y,f1.r.y));
 // dX: ConvTranspose vs blocked conv of padded dy with flipped weights
 const g0=await run([...t('dy','dc',B,OH*OH,O),node('Transpose',['w'],'wc',{perm:[3,2,0,1]}),node('ConvTranspose',['dc','wc'],'yc'),...t('yc','y',B,H*H,C)],{dcs:[N(B),N(OH*OH),N(O)],dcz:[N(B),N(O),N(OH),N(OH)],ys:[N(B),N(C),N(H*H)],yz:[N(B),N(H),N(H),N(C)]},{dy:[B,OH,OH,O],w:[3,3,C,O]},{y:[B,H,H,C]},{dy,w},6);
 const g1=await run([node('ReorderInput',['dy'],'xb',{channels_last:1},D),node('Slice',['w','m1','mx','ax','m1'],'wf'),node('Reshape',['wf','s1'],'w1'),node('Transpose',['w1'],'w2',{perm:[2,4,0,1,5,3]}),node('Reshape',['w2','s2'],'wb'),node('Conv',['xb','wb'],'yb',{pads:[2,2,2,2],kernel_shape:[3,3],strides:[1,1],dilations:[1,1],group:1},D),node('ReorderOutput',['yb'],'y',{channels:C,channels_last:1},D)],{m1:[-1n,-1n],mx:[-100n,-100n],ax:[0n,1n],s1:[3n,3n,N(C)/b,b,N(O)/b,b],s2:[N(C),N(O),3n,3n]},{dy:[B,OH,OH,O],w:[3,3,C,O]},{y:[B,H,H,C]},{dy,w},6);
 console.log('dX',C,O,H,g0.best.toFixed(2),g1.best.toFixed(2),cmp(g0.r.y,g1.r.y));
 // dW
 const fin=[node('Reshape',['g','gs'],'g1'),node('Transpose',['g1'],'g2',{perm:[1,0]}),node('Reshape',['g2','gz'],'dw')]; const ci={gs:[N(O),N(9*C)],gz:[3n,3n,N(C),N(O)]};
 const h0=await run([node('Reshape',['x','xs'],'xv'),...t('dy','dc',B,OH*OH,O),node('Transpose',['dc'],'dt',{perm:[1,0,2,3]}),node('Conv',['xv','dt'],'g',{dilations:[1,C]}),...fin],{xs:[1n,N(B),N(H),N(H*C)],dcs:[N(B),N(OH*OH),N(O)],dcz:[N(B),N(O),N(OH),N(OH)],...ci},{x:[B,H,H,C],dy:[B,OH,OH,O]},{dw:[3,3,C,O]},{x,dy},6);
 try { const h1=await run([node('Reshape',['x','xs'],'xv'),node('ReorderInput',['xv'],'xb',{},D),node('Reshape',['dy','d1'],'dv'),node('Transpose',['dv'],'dt',{perm:[4,0,2,3,1,5]}),node('Reshape',['dt','d2'],'db'),node('Conv',['xb','db'],'gb',{dilations:[1,C],pads:[0,0,0,0],strides:[1,1],kernel_shape:[OH,OH],group:1},D),node('ReorderOutput',['gb'],'g',{channels:O},D),...fin],{xs:[1n,N(B),N(H),N(H*C)],d1:[N(B)/b,b,N(OH),N(OH),N(O)/b,b],d2:[N(O),N(B),N(OH),N(OH)],...ci},{x:[B,H,H,C],dy:[B,OH,OH,O]},{dw:[3,3,C,O]},{x,dy},6);
 console.log('dW',C,O,H,h0.best.toFixed(2),h1.best.toFixed(2),cmp(h0.r.dw,h1.r.dw)); } catch(e){console.log('dW err',(e as Error).message.slice(0,200));}
}
