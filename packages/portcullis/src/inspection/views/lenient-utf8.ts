/** Decides what bytes stand for in the eyes of a careless decoder: overlong forms give their character, other bytes are Latin-1. */
export function decodeLeniently(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = characterAt(bytes, at)
    text += String.fromCodePoint(code)
    at += length
  }
  return text
}

/** Code point and length in bytes. UTF-8 by its shape alone (RFC 3629 forbids the overlong shapes that this accepts). */
function characterAt(bytes: Uint8Array, at: number): readonly [code: number, length: number] {
  const first = bytes[at] as number
  const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 1
  if (length === 1) return [first, 1]
  let code = first & (0x7f >> length)
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next]
    if (byte === undefined || byte >> 6 !== 0b10) return [first, 1]
    code = (code << 6) | (byte & 0x3f)
  }
  return code > 0x10ffff ? [first, 1] : [code, length]
}
