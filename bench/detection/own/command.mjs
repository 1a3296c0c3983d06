// Attacks on command lines, by technique; programs do nothing but look, targets are names that nobody owns.
import { readFileSync } from 'node:fs'
import { rowsOf } from './grammar.mjs'

const {
  lists: LISTS,
  techniques: TECHNIQUES,
  second: SECOND,
} = JSON.parse(readFileSync(new URL('command.json', import.meta.url), 'utf8'))

export const moreCommandRows = (seed) => rowsOf(SECOND, LISTS, { seed, each: 5 })
export const commandRows = (seed) => rowsOf(TECHNIQUES, LISTS, { seed, each: 10 })
