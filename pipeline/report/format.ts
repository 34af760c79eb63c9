const space = '\u00a0'; // no-break, so that a number and its unit stay on one line
const absent = '–';

/** A share in [0,1] as a percentage. Never rounds up to 100 %: only what is perfect looks perfect. */
export function percent(share: number, decimals = 2): string {
  if (!Number.isFinite(share)) return absent;
  const rounded = (share * 100).toFixed(decimals);
  const text = share < 1 && Number(rounded) >= 100 ? (100 - 10 ** -decimals).toFixed(decimals) : rounded;
  return `${text}${space}%`;
}

/** How sure the model was: whole percents, with a decimal where the answers crowd together near 100 %. */
export function confidence(probability: number): string {
  return percent(probability, probability >= 0.99 && probability < 1 ? 1 : 0);
}

/** A difference of two shares, in percentage points, without its sign. */
export function points(difference: number): string {
  const text = Math.abs(difference * 100).toFixed(2);
  return `${text}${space}${text === '1.00' ? 'point' : 'points'}`;
}

export function count(value: number): string {
  return Number.isFinite(value) ? value.toLocaleString('en-US', { maximumFractionDigits: 0 }) : absent;
}

/** "1 image", "1,234 images". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)}${space}${value === 1 ? one : many}`;
}

export function decimal(value: number, decimals = 4): string {
  return Number.isFinite(value) ? value.toFixed(decimals) : absent;
}

export function bytes(size: number): string {
  if (size < 1000) return `${size}${space}B`;
  const [unit, divisor] = size < 1e6 ? ['kB', 1e3] : size < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  const scaled = size / Number(divisor);
  return `${scaled.toFixed(scaled < 100 ? 1 : 0)}${space}${unit}`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return absent;
  if (seconds < 1) return `${seconds.toFixed(2)}${space}s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}${space}s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}${space}h ${minutes}${space}min` : `${minutes}${space}min ${rest}${space}s`;
}

/** An ISO 8601 time for people, in UTC whatever the machine's zone is: the same run gives the same page. */
export function moment(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return `${date.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })} UTC`;
}

/** The first digits of a digest or a commit: enough to compare by eye. */
export function short(digest: string): string {
  return digest.slice(0, 12);
}
