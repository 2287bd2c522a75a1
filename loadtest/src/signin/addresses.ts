/** Addresses for a load that limits by address are not to bend. */

/** The `n`th address of 10.0.0.0/8; the same again after 2^24. */
export const ipOf = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
