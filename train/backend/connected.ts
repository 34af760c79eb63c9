import { type Call, callsOf, type Value } from './value.ts';

/**
 * What has to be computed together with `wanted` so that no call is ever run twice: of `pending` (in its order),
 * the values that share a call not run yet with a wanted one, or with another such value; then those of `wanted`
 * that are not pending. What shares nothing with them can wait.
 */
export function connectedWith(wanted: readonly Value[], pending: ReadonlySet<Value>): Value[] {
  const values = [...new Set([...pending, ...wanted])];
  const neighbours = neighboursOf(callsOf(values));
  const reached = new Set(callsOf(wanted));
  for (const call of reached) {
    for (const neighbour of neighbours.get(call) ?? []) reached.add(neighbour); // the loop comes to it later
  }
  return values.filter(({ source }) => source.kind === 'call' && reached.has(source.call));
}

/** Every call that `roots` need, with the calls that it takes from and gives to. */
function neighboursOf(roots: readonly Call[]): ReadonlyMap<Call, readonly Call[]> {
  const neighbours = new Map<Call, Call[]>();
  const found = new Set(roots);
  for (const call of found) {
    for (const input of callsOf(call.inputs)) {
      add(neighbours, call, input);
      add(neighbours, input, call);
      found.add(input);
    }
  }
  return neighbours;
}

function add(neighbours: Map<Call, Call[]>, from: Call, to: Call): void {
  const known = neighbours.get(from);
  if (known === undefined) neighbours.set(from, [to]);
  else known.push(to);
}
