/**
 * Decides which links and images of a text in markdown run, fetch or carry something out, and makes them text. What is
 * changed is the sign that makes a link (`](`, `]:`, `![`), so no renderer has to agree with us about anything else.
 */
import { decodeEntities } from '../views/entities.ts'
import type { Edit } from './edit.ts'
import { payloadOf } from './url-payload.ts'

/** The signs; and addresses, which become links by themselves in many renderers. */
const SIGNS = /!\[|\](?=[(:])|:\/\/|(?<=[\s(<"'])\/\/(?=[a-z0-9.-]{1,100}\.[a-z]{2,}\/)/gi
const REST = /[^\s<>"'`\\)\]]*(?:\([^\s<>"'`()]{0,200}\)[^\s<>"'`\\)\]]*)?/y
const ADDRESS = /:\/\/|\]:|\(\s{0,40}<?[\\/]{2}/
const SCHEME_BEFORE = /[a-z][a-z0-9+.-]{1,20}$/i
const LOOK = 128
const MAX_DESTINATION = 2_048
const DESTINATION = /[\s\\nrt]{0,40}(<[^<>\n]{0,2048}>|[^\s]{0,2048})/y
/** These lead to a page that a person chooses to open. */
const PLAIN_SCHEME =
  /^(?:https?|mailto|tel|ftp|sftp|ssh|git|urn|doi|cid|mid|resource|file|test|mcp|about|news|xmpp|irc|ircs|matrix|geo|sms|magnet|ipfs|s3|gs|vscode):/i
const SMALL_IMAGE = /^data:image\/(?:png|jpe?g|gif|webp|avif|bmp);base64,[A-Za-z0-9+/=]*$/i
const MAX_IMAGE_LENGTH = 65_536
const SCHEME = /^([a-z][a-z0-9+.-]*):/i
// oxlint-disable-next-line no-control-regex -- browsers skip them in a scheme
const SKIPPED = /[\0-\x20\x7f-\xa0\u2028\u2029\u200b-\u200f\ufeff]+/g
const TARGET = /\]\(\s{0,40}<?([^\s<>)]*)/y
const NEAR_PATH = /^(?!\/\/)(?:\.{0,2}\/)?[\w#?&=.@~%+ -]+(?:\/[\w.@~%+ -]+)*(?:[?#][\w=&.%+-]*)?$/

/** Edits of the range; a link may reach beyond its end. `isCode` is asked for growing positions. */
export function linkEdits(text: string, from: number, to: number, isCode: (at: number) => boolean): readonly Edit[] {
  const edits: Edit[] = []
  const closing = nextOf(text, ']')
  const hasAddress = ADDRESS.test(text)
  // What stands before a sign may decide, and so may what follows.
  const start = Math.max(0, from - 1)
  for (const match of text.slice(start, to + LOOK).matchAll(SIGNS)) {
    const at = start + match.index
    const [sign] = match
    if (at < from || at >= to) continue
    const edit =
      sign === '!['
        ? image(text, at, closing(at), hasAddress)
        : sign === ']'
          ? link(text, at)
          : address(text, at, sign === '://')
    if (edit === undefined) continue
    edits.push(isCode(at) && edit.weight !== 'silent' ? { ...edit, weight: 'hint', reason: 'code' } : edit)
  }
  return edits
}

/** Where the next one stands, for growing positions: the text is read once, however often one asks. */
function nextOf(text: string, char: string): (at: number) => number {
  let next = -1
  return (at) => {
    if (next < at) {
      next = text.indexOf(char, at)
      if (next < 0) next = text.length
    }
    return next
  }
}

/** Where it leads may be said elsewhere, by reference. An image that lies beside the text or in it is fetched from nobody. */
function image(text: string, at: number, closing: number, hasAddress: boolean): Edit | undefined {
  TARGET.lastIndex = closing
  const found = TARGET.exec(text)?.[1]
  const base = { at, length: 2, insert: 'image: [' }
  if (found === undefined)
    return hasAddress ? { ...base, weight: 'hint', reason: 'external-image' } : { ...base, weight: 'silent' }
  const target = plain(found)
  if (SMALL_IMAGE.test(target)) return target.length > MAX_IMAGE_LENGTH ? { ...base, weight: 'silent' } : undefined
  if (NEAR_PATH.test(target)) return undefined
  const payload = payloadOf(target)
  if (payload !== undefined) return { ...base, weight: 'strong', reason: 'leaking-image' }
  return { ...base, weight: 'hint', reason: 'external-image' }
}

/** A blank between the signs makes text of a link. */
function link(text: string, at: number): Edit | undefined {
  DESTINATION.lastIndex = at + 2
  const target = plain(DESTINATION.exec(text)?.[1]?.replace(/^<|>$/g, '') ?? '')
  const scheme = SCHEME.exec(target)?.[1]
  if (scheme === undefined || PLAIN_SCHEME.test(target) || !isRunnable(target, scheme)) return undefined
  return { at, length: 1, insert: '] ', weight: 'strong', reason: 'script-link' }
}

/** What a browser or an operating system runs; `note: text` and `C:\path` are none. */
function isRunnable(target: string, scheme: string): boolean {
  if (
    /^(?:javascript|vbscript|livescript|mocha|ecmascript|jar|view-source|feed|blob|filesystem|wyciwyg|res|mhtml|ms-[a-z-]+|search-ms|shell|steam|zoommtg|tel-install|itms-services|intent|slack|cursor|code|x-[a-z-]+)$/i.test(
      scheme,
    )
  )
    return true
  return scheme.toLowerCase() === 'data' && !SMALL_IMAGE.test(target)
}

function address(text: string, sign: number, hasScheme: boolean): Edit | undefined {
  const scheme = hasScheme ? SCHEME_BEFORE.exec(text.slice(Math.max(0, sign - 21), sign))?.[0] : ''
  if (scheme === undefined) return undefined
  const at = sign - scheme.length
  REST.lastIndex = hasScheme ? sign + 3 : sign + 2
  const url = text.slice(at, REST.lastIndex) + (REST.exec(text)?.[0] ?? '')
  const payload = payloadOf(url)
  if (payload === undefined) return undefined
  const host = /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:[^/?#@]*@)?([a-z0-9.-]{1,80})/i.exec(url)?.[1] ?? 'unknown'
  const edit = { at, length: url.length, insert: `(masked link: ${host})` }
  const isImage = ofImage(text, at)
  // Documentation is full of addresses with holes; a link waits for a person, an image for nobody.
  if (isImage) return { ...edit, weight: 'strong', reason: 'leaking-image' }
  return { ...edit, weight: 'hint', reason: payload === 'template' ? 'leak-template' : 'long-link' }
}

/** An image names its address beside itself, or by a label, where the address may belong to any image of the text. */
function ofImage(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 240), at)
  return /!\[[^\]]{0,200}\]\(\s{0,40}<?$/.test(before) || (/\]:\s{0,40}<?$/.test(before) && text.includes('!['))
}

/** As a renderer reads a destination: character references and backslashes are undone, and blanks inside do not count. */
const plain = (destination: string): string =>
  decodeEntities(destination.slice(0, MAX_DESTINATION + MAX_IMAGE_LENGTH))
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(SKIPPED, '')
