// Values that honest people send and that have something of an attack: names, code, mathematics, logs, prose about databases.
import { readFileSync } from 'node:fs'
import { rowsOf } from './grammar.mjs'

const { lists: LISTS, techniques: TECHNIQUES } = JSON.parse(
  readFileSync(new URL('honest.json', import.meta.url), 'utf8'),
)

export const honestRows = (seed) => rowsOf(TECHNIQUES, LISTS, { seed, each: 20 })
