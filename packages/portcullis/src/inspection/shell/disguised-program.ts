/** Decides whether a program is spelled so that only a shell reads its name: `w'h'oami`, `c\at`, `{id,}`. */
import { ENDS, PROSE } from './command-arguments.ts'
import { plainForm } from './plain-form.ts'
import { programKind } from './program-names.ts'

/** A program spelled so that only a shell reads its name: nobody quotes half of a word. */
export function disguised(value: string, plain: string): readonly [reason: string, evidence: string] | undefined {
  const [, name = '', rest = ''] = /^\s*([\w.-]{2,40})(.{0,80})/.exec(plain) ?? []
  if (programKind(name) === 'plain' || (programKind(name) === 'word' && !PROSE.test(rest))) {
    const isHidden = !value.includes(name) || EMPTY_EXPANSION.test(value) || /^\s*\\\w|^\s*\{(?:,|\w+,\})/.test(value)
    if (isHidden && (ENDS.test(rest) || /^\s/.test(rest))) return ['command.disguised-program', value]
  }
  return disguisedWord(value)
}

const EMPTY_EXPANSION = /^\S{0,20}(?:``|\$\(\)|[<>]\(\))/
const DISGUISED_WORD =
  /(?<!\S)(?=\S{0,30}(?:['"]\w*['"]|``|\$\(\)|[<>]\(\)|\$[@*!?$_-]|\$[a-z]\b|\\|\{\S*,))[^\s]{3,60}(?!\S)/g
const MAX_DISGUISED_WORDS = 32

function disguisedWord(text: string): readonly [reason: string, evidence: string] | undefined {
  let count = 0
  for (const [word] of text.matchAll(DISGUISED_WORD)) {
    if (++count > MAX_DISGUISED_WORDS) return undefined
    const [name = ''] = plainForm(word).trim().split(' ')
    if (
      (/^[\w-]{3,}$/.test(name) || (name.length === 2 && /^\{,|,\}$/.test(word))) &&
      programKind(name) !== undefined &&
      (!word.includes(name) || EMPTY_EXPANSION.test(word) || /^\{,|,\}$/.test(word))
    ) {
      return ['command.disguised-program', word]
    }
  }
  return undefined
}
