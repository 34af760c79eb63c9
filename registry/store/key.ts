import { UserError } from '../../cli/errors.ts';

/** A segment never starts with a dot, so `..` can't occur and a store may keep its own files under dotted names. */
const segment = '[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}';
const keyPattern = new RegExp(`^${segment}(?:/${segment})*$`);
const prefixPattern = new RegExp(`^(?:${segment}/)*(?:${segment})?$`);
const longestKey = 600;

export function isKey(name: string): boolean {
  return name.length <= longestKey && keyPattern.test(name);
}

/** Every store checks the keys it is given, so that none can reach outside it. */
export function checkKey(key: string): void {
  if (!isKey(key)) throw refused('key', key);
}

export function checkPrefix(prefix: string): void {
  if (prefix.length > longestKey || !prefixPattern.test(prefix)) throw refused('prefix', prefix);
}

function refused(what: string, value: string): UserError {
  return new UserError(
    `${JSON.stringify(value.slice(0, 200))} is no ${what} of a store: use relative paths of letters, digits . _ - ` +
      'whose parts start with none but a letter, a digit, _ or -',
  );
}
