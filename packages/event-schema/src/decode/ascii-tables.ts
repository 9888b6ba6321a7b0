/** Tables by byte value for reading ASCII without strings. */

const HEX_DIGITS = '0123456789abcdef';

/** The value of a hex digit of either case; 16 for every other byte. */
export const HEX_VALUE = tableOf((byte) => {
  const value = HEX_DIGITS.indexOf(String.fromCharCode(byte).toLowerCase());
  return value < 0 ? 16 : value;
});

/** 1 for a byte that may stand in a JSON string as itself and is ASCII. */
export const PLAIN_IN_STRING = tableOf((byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c ? 1 : 0,
);

/** 1 for JSON white space. */
export const WHITE_SPACE = tableOf((byte) =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d ? 1 : 0,
);

function tableOf(valueOf: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => valueOf(byte));
}
