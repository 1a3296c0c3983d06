/**
 * Decides how a text is gone over character by character: as bytes in one scratch, because a typed array is read four times as
 * fast as a string. What is given is valid until the next call.
 */
/** How many characters `lowBytes` takes at once. */
export const LOW_BYTES = 16_384
/** The longest character of UTF-8: behind a text of ASCII there is room for one more. */
const MAX_CHARACTER_BYTES = 4
const scratch = Buffer.alloc(LOW_BYTES + MAX_CHARACTER_BYTES)

/** A byte for each character of a text of ASCII alone; undefined for any other. There may be more bytes than characters. */
export function asciiBytes(text: string): Uint8Array | undefined {
  const room = text.length + MAX_CHARACTER_BYTES
  const bytes = room <= scratch.length ? scratch : Buffer.allocUnsafe(room)
  return bytes.write(text, 0, 'utf8') === text.length ? bytes : undefined
}

/** The low byte of each character of a text of at most LOW_BYTES, and two zeros: a character beyond Latin-1 looks like another. */
export function lowBytes(text: string): Uint8Array {
  scratch.write(text, 0, 'latin1')
  scratch[text.length] = 0
  scratch[text.length + 1] = 0
  return scratch
}
