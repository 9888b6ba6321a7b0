/** An integer as JSON carries it without loss: a number where it is safe, else its digits. */
export type JsonInteger = number | string;

export function jsonInteger(value: bigint): JsonInteger {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
