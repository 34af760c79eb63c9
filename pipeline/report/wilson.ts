/**
 * The 95 % interval of a share seen in `trials` trials (E. B. Wilson, 1927): unlike the plain one it stays inside
 * [0,1] and holds for few trials and for shares near 1.
 */
export function wilsonInterval(share: number, trials: number): readonly [number, number] {
  if (trials === 0) return [0, 1];
  const z = 1.96;
  const centre = share + z ** 2 / (2 * trials);
  const spread = z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  const scale = 1 + z ** 2 / trials;
  // The ends are exact at 0 and 1; rounding errors must not say otherwise.
  return [share === 0 ? 0 : (centre - spread) / scale, share === 1 ? 1 : (centre + spread) / scale];
}
