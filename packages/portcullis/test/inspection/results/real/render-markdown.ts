// A renderer of markdown that believes everything: whatever any client might make of a text, this one makes. It follows
// CommonMark where that is more dangerous, and is more generous where clients are.

import { decodeEntities } from '../../../../src/inspection/views/entities.ts'

/** HTML, unsanitised. */
export function renderMarkdown(source: string): string {
  const definitions = new Map<string, string>()
  const plain = source.replace(/\\u003c/gi, '<').replace(/\\u003e/gi, '>')
  const lines = withoutFences(plain.replace(/^(?: {0,3}(?:>|[-*+]|\d+\.) ?)+/gm, ''))
  const text = lines.replace(
    /^ {0,3}\[([^\]\n]+)\]:[ \t]*\n?[ \t]*(<[^>\n]*>|\S+)[^\n]*$/gm,
    (_whole, label: string, to: string) => {
      if (!definitions.has(label.toLowerCase())) definitions.set(label.toLowerCase(), to)
      return ''
    },
  )
  return inline(text, definitions)
}

function withoutFences(text: string): string {
  let fence = ''
  return text
    .split('\n')
    .filter((line) => {
      const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? ''
      if (fence === '' && mark !== '') {
        fence = mark
        return false
      }
      if (fence !== '' && mark.startsWith(fence)) fence = ''
      else if (fence !== '') return false
      return mark === ''
    })
    .join('\n')
}

/** The innermost first, so that images inside of links are found. */
function inline(text: string, definitions: ReadonlyMap<string, string>): string {
  let html = text.replace(/<([a-z][a-z0-9+.-]{1,31}:[^<>\s]*)>/gi, (_whole, to: string) => anchor(to, to))
  for (let round = 0; round < 4; round++) {
    html = html
      .replace(
        /!\[((?:[^[\]\\]|\\.|\[[^\]]*\])*)\]\(\s*(<[^<>\n]*>|[^\s)]+(?:\([^)]*\))?)[^)]*\)/g,
        (_whole, alt: string, to: string) => picture(to, alt),
      )
      .replace(
        /(?<!!)\[((?:[^[\]\\]|\\.|\[[^\]]*\])*)\]\(\s*(<[^<>\n]*>|[^\s)]+(?:\([^)]*\))?)[^)]*\)/g,
        (_whole, words: string, to: string) => anchor(to, words),
      )
      .replace(/!\[([^\]]*)\](?:\[([^\]]*)\])?/g, (whole, alt: string, label = '') => {
        const to = definitions.get((label === '' ? alt : (label as string)).toLowerCase())
        return to === undefined ? whole : picture(to, alt)
      })
      .replace(/(?<!!)\[([^\]]*)\](?:\[([^\]]*)\])?/g, (whole, words: string, label = '') => {
        const to = definitions.get((label === '' ? words : (label as string)).toLowerCase())
        return to === undefined ? whole : anchor(to, words)
      })
  }
  return html
}

const target = (to: string): string =>
  decodeEntities(to.replace(/^<|>$/g, ''))
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/^\\/, '')
    .replaceAll('"', '%22')
const picture = (to: string, alt: string): string => `<img src="${target(to)}" alt="${alt.replace(/["<>]/g, '')}">`
const anchor = (to: string, words: string): string => `<a href="${target(to)}">${words}</a>`
