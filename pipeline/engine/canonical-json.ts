/**
 * JSON with one spelling per value, so that equal values have equal digests: object keys sorted by UTF-16 code
 * unit, no spaces, numbers as ECMAScript prints them (RFC 8785). A property that is undefined is left out.
 * @throws TypeError for what JSON can't carry unchanged (NaN, a Date, a typed array), naming where it is.
 */
export function canonicalJson(value: unknown, at = 'value'): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${value.map((item, index) => canonicalJson(item, `${at}[${index}]`)).join(',')}]`;
  if (isPlainObject(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member, `${at}.${key}`)}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`${at} is ${describe(value)}, which JSON can't carry; give plain JSON`);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? `a ${value.constructor.name}`
    : `${typeof value} ${String(value)}`;
}

/** The value as it comes back from being stored: what JSON leaves out (a property that is undefined) is gone. */
export function throughJson(value: unknown): JsonValue {
  return JSON.parse(canonicalJson(value));
}

type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
