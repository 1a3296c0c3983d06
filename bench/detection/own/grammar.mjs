// Decides how rows are made from templates: `⟦a¦b⟧` is one of two words, `⟦name⟧` one of a list, or itself when there is none; the same seed gives the same rows.

/** A small generator of numbers from 0 to 1 (xorshift, 32 bits). */
export function randomOf(seed) {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

export function hashOf(text) {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return hash
}

const pick = (list, random) => list[Math.floor(random() * list.length)]
const PART = /⟦([^⟦⟧]*)⟧/

/** The template with every choice made, the innermost first. */
export function expand(template, lists, random) {
  let text = template
  for (let match = PART.exec(text); match !== null; match = PART.exec(text)) {
    const [whole, body] = match
    const chosen = body.includes('¦') ? pick(body.split('¦'), random) : pick(lists[body] ?? [body], random)
    text = text.slice(0, match.index) + chosen + text.slice(match.index + whole.length)
  }
  return text
}

/** Which half a technique belongs to; chance, not taste, decides what is never looked at while rules are mended. */
export const halfOf = (template) => ((hashOf(template) >>> 7) % 2 === 0 ? 'development' : 'held-out')

/** `[{ technique, half, text }]` without doubles. `techniques`: names to templates. */
export function rowsOf(techniques, lists, { seed, each, finish = (text) => text }) {
  const seen = new Set()
  return Object.entries(techniques).flatMap(([technique, templates]) =>
    templates.flatMap((template) => {
      const random = randomOf(hashOf(template) ^ seed)
      return Array.from({ length: each }, () => finish(expand(template, lists, random), random))
        .filter((text) => !seen.has(text) && seen.add(text))
        .map((text) => ({ technique, half: halfOf(template), text }))
    }),
  )
}
