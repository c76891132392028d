/**
 * The order of two texts by the bytes of their UTF-8, which git sorts paths by. JavaScript's own is by halves of what is
 * beyond the 16th bit, which puts that before some of what is below.
 */
export function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Halves of what is beyond the 16th bit come after all that is below. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit
}
