/** Decides what is one name to sign in by, so that no spelling of it is a second account. */

const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N}._@+-]{0,62}[\p{L}\p{N}])?$/u

/** The canonical form, or undefined for text that is no name: letters, digits and `. _ @ + -`, at most 64. */
export function accountName(text: string): string | undefined {
  if (text.length > 256) return undefined
  const name = text.trim().normalize('NFKC').toLowerCase().normalize('NFKC')
  return NAME.test(name) ? name : undefined
}
