import type { Call, Value } from './value.ts';

/** A recorded computation, walked once: what it starts from, what it is, and how its values are used. */
export interface Plan {
  /** Equal for computations of equal structure: what they have in common is one compiled session. */
  readonly key: string;
  /** The values with data, in the order in which the key names them. */
  readonly feeds: readonly Value[];
  readonly uses: ReadonlyMap<Value, number>;
  readonly training: boolean;
}

/** What only a backward pass has. */
const gradientKernel = /Grad$|Backprop/;

export function planOf(roots: readonly Value[]): Plan {
  const places = new Map<Value, string>();
  const uses = new Map<Value, number>();
  const feeds: Value[] = [];
  const lines: string[] = [];
  let training = false;

  const use = (value: Value): string => {
    uses.set(value, (uses.get(value) ?? 0) + 1);
    return places.get(value) ?? visit(value);
  };
  const visit = (value: Value): string => {
    const described = value.source.kind === 'data' ? 'data' : describe(value.source.call, use);
    const place = value.source.kind === 'data' ? `f${feeds.push(value) - 1}` : `c${places.size}`;
    places.set(value, place);
    if (value.source.kind === 'call' && gradientKernel.test(value.source.call.kernel)) training = true;
    lines.push(`${place}=${described}:${value.dtype}[${value.shape}]`);
    return place;
  };

  const asked = roots.map(use);
  return { key: `${lines.join(';')}=>${asked}`, feeds, uses, training };
}

function describe({ kernel, inputs, attributes }: Call, use: (value: Value) => string): string {
  return `${kernel}(${inputs.map(use)})${JSON.stringify(attributes, spelled)}`;
}

/** JSON has no NaN, no infinities and no -0; graphs that differ in these differ. */
function spelled(_: string, value: unknown): unknown {
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
