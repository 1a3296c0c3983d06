/** Decides what is an address, quickly: each request asks. The forms are those of RFC 4291 §2.2, with a zone (RFC 4007 §11) or without. */

/**
 * The address as words of 32 bits, the highest first: one for IPv4 and its mapped forms, four for IPv6. Undefined for what
 * is no address.
 */
export function addressWords(address: string): readonly number[] | undefined {
  if (!address.includes(':')) {
    const word = dottedWord(address, 0, address.length)
    return word < 0 ? undefined : [word]
  }
  const end = endOf(address)
  const words = end < 0 ? undefined : groupedWords(address, end)
  const isMapped = words?.[0] === 0 && words[1] === 0 && words[2] === 0xffff
  return isMapped ? [words[3] as number] : words
}

const [DOT, ZERO, NINE, COLON, LOWER_A, LOWER_F] = [46, 48, 57, 58, 97, 102] as const

const ZONE = /^[0-9a-z.:-]+$/i

/** What is behind `%` says on which link it is, not which address. */
function endOf(address: string): number {
  const zone = address.indexOf('%')
  if (zone < 0) return address.length
  return ZONE.test(address.slice(zone + 1)) ? zone : -1
}

/** Four decimal numbers up to 255 without leading zeros, and nothing else; -1 for anything else. */
function dottedWord(text: string, from: number, to: number): number {
  let word = 0
  let part = -1
  let parts = 0
  for (let at = from; at <= to; at++) {
    const code = at === to ? DOT : text.charCodeAt(at)
    if (code === DOT) {
      if (part < 0 || ++parts > 4) return -1
      word = word * 256 + part
      part = -1
      continue
    }
    if (code < ZERO || code > NINE || part === 0) return -1
    part = (part < 0 ? 0 : part * 10) + code - ZERO
    if (part > 255) return -1
  }
  return parts === 4 ? word : -1
}

/** Groups are written into their places from the front; those behind `::` are moved to the end at last. */
function groupedWords(text: string, to: number): readonly number[] | undefined {
  const groups = [0, 0, 0, 0, 0, 0, 0, 0]
  let count = 0
  let gap = -1
  let at = 0
  if (text.startsWith('::')) {
    gap = 0
    at = 2
  }
  while (at < to) {
    let end = at
    let group = 0
    for (; end < to && end - at <= 4; end++) {
      const digit = hexDigit(text.charCodeAt(end))
      if (digit < 0) break
      group = group * 16 + digit
    }
    if (end < to && text.charCodeAt(end) === DOT) {
      const word = count <= 6 ? dottedWord(text, at, to) : -1
      if (word < 0) return undefined
      groups[count++] = word >>> 16
      groups[count++] = word & 0xffff
      return placed(groups, count, gap)
    }
    if (end === at || end - at > 4 || count === 8) return undefined
    groups[count++] = group
    if (end === to) return placed(groups, count, gap)
    if (text.charCodeAt(end) !== COLON) return undefined
    at = end + 1
    if (at === to) return undefined
    if (text.charCodeAt(at) !== COLON) continue
    if (gap >= 0) return undefined
    gap = count
    at++
  }
  return at === to ? placed(groups, count, gap) : undefined
}

function placed(groups: number[], count: number, gap: number): readonly number[] | undefined {
  // `::` stands for one group at least.
  if (gap < 0 ? count !== 8 : count > 7) return undefined
  if (gap >= 0) {
    const behind = count - gap
    for (let moved = 1; moved <= behind; moved++) {
      groups[8 - moved] = groups[count - moved] as number
      if (8 - moved !== count - moved) groups[count - moved] = 0
    }
  }
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number]
  return [((a << 16) | b) >>> 0, ((c << 16) | d) >>> 0, ((e << 16) | f) >>> 0, ((g << 16) | h) >>> 0]
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO
  const lower = code | 32
  return lower >= LOWER_A && lower <= LOWER_F ? lower - 87 : -1
}
