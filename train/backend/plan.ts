import { type Call, callsOf, identityOf, type Value } from './value.ts';

/** A recorded computation, walked once: what it starts from, what it is, and how its values are used. */
export interface Plan {
  /** Equal for computations of equal structure: what they have in common is one compiled session. */
  readonly key: string;
  /** The values with data, in the order in which the key names them. */
  readonly feeds: readonly Value[];
  /** The values to compute, each after all that it is computed from. */
  readonly order: readonly Value[];
  readonly uses: ReadonlyMap<Value, number>;
  /** How many kernel calls it has. */
  readonly calls: number;
  readonly training: boolean;
}

/** What only a backward pass has; a convolution's BackpropInput is a transposed convolution's forward pass too. */
const gradientKernel = /Grad$|BackpropFilter/;

export function planOf(roots: readonly Value[]): Plan {
  const calls = inOrder(callsOf(roots));
  const callPlaces = new Map([...calls].map((call, i) => [call, `c${i}`]));
  const places = new Map<Value, string>();
  const uses = new Map<Value, number>();
  const feeds: Value[] = [];
  const order: Value[] = [];
  const lines: string[] = [];

  const use = (value: Value): string => {
    uses.set(value, (uses.get(value) ?? 0) + 1);
    return places.get(value) ?? placeOf(value);
  };
  const placeOf = (value: Value): string => {
    const { source, dtype, shape } = value;
    const data = source.kind === 'data';
    const place = data ? `f${feeds.length}` : `${callPlaces.get(source.call)}.${source.output}`;
    (data ? feeds : order).push(value);
    places.set(value, place);
    lines.push(`${place}:${dtype}[${shape}]`);
    return place;
  };
  for (const [{ kernel, inputs, attributes }, place] of callPlaces) {
    lines.push(`${place}=${kernel}(${inputs.map(use)})${identityOf(attributes)}`);
  }
  const asked = roots.map(use);

  return {
    key: `${lines.join(';')}=>${asked}`,
    feeds,
    order,
    uses,
    calls: calls.size,
    training: [...calls].some(({ kernel }) => gradientKernel.test(kernel)),
  };
}

/** All calls that `roots` need, each after those that it takes from. */
function inOrder(roots: readonly Call[]): ReadonlySet<Call> {
  const ordered = new Set<Call>();
  const open = [...roots].reverse();
  for (let call = open.at(-1); call !== undefined; call = open.at(-1)) {
    const missing = ordered.has(call) ? [] : callsOf(call.inputs).filter((input) => !ordered.has(input));
    if (missing.length === 0) ordered.add(open.pop() as Call);
    else open.push(...missing.reverse());
  }
  return ordered;
}
