/**
 * Whether something was seen before, in a few words for each subject (a Bloom filter).
 *
 * It can take something new for known, never the reverse: a subject that has used hundreds of things raises no alarm by one
 * more. The hash has a seed of each installation, so nobody can choose names that fall together.
 */
import type { Place } from './layout.ts'

/** 32 bits over the code units of a text. */
export function hashOf(text: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mixed(hash)
}

/** Two hashes as one; their order counts. */
export const pairOf = (first: number, second: number): number => mixed(Math.imul(first, 0x9e3779b1) ^ second)

function mixed(hash: number): number {
  let mix = hash
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return (mix ^ (mix >>> 16)) >>> 0
}

/** Marks `hash` in `words` words that begin at `word`, a power of two. True when it was not marked yet. */
export function markNew({ page: { u32 }, base }: Place, word: number, words: number, hash: number): boolean {
  const bits = words * 32 - 1
  const first = hash & bits
  const second = (hash >>> 16) & bits
  const at = base + word
  const isNew = !has(u32, at, first) || !has(u32, at, second)
  if (isNew) {
    set(u32, at, first)
    set(u32, at, second)
  }
  return isNew
}

const has = (u32: Uint32Array, at: number, bit: number): boolean =>
  (((u32[at + (bit >>> 5)] as number) >>> (bit & 31)) & 1) === 1

function set(u32: Uint32Array, at: number, bit: number): void {
  u32[at + (bit >>> 5)] = ((u32[at + (bit >>> 5)] as number) | (1 << (bit & 31))) >>> 0
}
