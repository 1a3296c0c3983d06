/**
 * Decides which characters hide something: text that only a model reads (tags, selectors, zero widths), text that reads in another
 * order than it stands (bidirectional controls), and orders to a terminal.
 *
 * What scripts and emoji need stays silent: joiners in Arabic, Indic and emoji, zero-width spaces in scripts without blanks,
 * direction marks beside letters that run from right to left.
 */
import { hasOneOf, isAscii, placesOf } from '../../core/gated-rules.ts'
import { evidence, type Inspect, type Sighting, type Weight } from '../finding.ts'

/** All that any rule below looks at: outside of it nothing is done. */
const SUSPECT = new RegExp(
  [
    '[\\0-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f',
    '\\u2028\\u2029\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb\\udb40]',
  ].join(''),
)

interface Rule {
  readonly reason: string
  readonly weight: Weight
  readonly pattern: RegExp
  /** What, somewhere in the value, makes the characters legitimate. */
  readonly unless?: RegExp
}

const RIGHT_TO_LEFT = /[\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Thaana}\p{sc=Nko}\p{sc=Adlam}]/u
const WITHOUT_BLANKS = /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tibetan}\p{sc=Han}\p{sc=Hiragana}]/u

const RULES: readonly Rule[] = [
  // A flag of a region is a black flag, then tags, then the cancel tag (UTS 51).
  {
    reason: 'characters.tag-block',
    weight: 'strong',
    pattern: /(?<!\u{1f3f4}[\u{e0030}-\u{e007a}]{0,6})[\u{e0000}-\u{e007f}]/u,
  },
  {
    reason: 'characters.terminal-escape',
    weight: 'strong',
    pattern: unicode('\\x1b[\\[\\]PX^_()#%c78=>]|[\\x90\\x9b\\x9d]'),
  },
  { reason: 'characters.bidi-override', weight: 'strong', pattern: /[\u202d\u202e]/u },
  {
    reason: 'characters.bidi-control',
    weight: 'strong',
    pattern: /[\u202a-\u202c\u2066-\u2069]/u,
    unless: RIGHT_TO_LEFT,
  },
  {
    reason: 'characters.hidden-run',
    weight: 'strong',
    pattern: unicode('[\\u200b-\\u200d\\u2060-\\u2064\\ufeff\\u180e\\u00ad\\u034f]{4}'),
  },
  {
    reason: 'characters.hidden-in-word',
    weight: 'strong',
    pattern: unicode(
      '[a-zA-Z][\\u200b-\\u200d\\u2060-\\u2064\\ufeff\\u180e\\u034f\\u115f\\u1160\\u3164\\uffa0]+[a-zA-Z]',
    ),
  },
  // Selectors choose a form of the one character before; a chain of them is data.
  { reason: 'characters.selector-run', weight: 'strong', pattern: /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{2}/u },
  { reason: 'characters.selector', weight: 'hint', pattern: /(?<!\p{sc=Han})[\u{e0100}-\u{e01ef}]/u },
  { reason: 'characters.zero-width', weight: 'hint', pattern: /\u200b|[\u2060-\u2064\u180e]/u, unless: WITHOUT_BLANKS },
  { reason: 'characters.joiner', weight: 'hint', pattern: /(?<![\p{M}\p{Emoji}\p{Lo}])[\u200c\u200d]/u },
  { reason: 'characters.direction-mark', weight: 'hint', pattern: /[\u200e\u200f\u061c]/u, unless: RIGHT_TO_LEFT },
  { reason: 'characters.filler', weight: 'hint', pattern: unicode('[\\u115f\\u1160\\u3164\\uffa0\\u17b4\\u17b5]') },
  { reason: 'characters.deprecated', weight: 'hint', pattern: /[\u206a-\u206f\ufff9-\ufffb]|(?!^)\ufeff/u },
  {
    reason: 'characters.control',
    weight: 'hint',
    pattern: unicode('[\\0-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f]'),
  },
]

/** Looks at the value itself, not at its views: what hides is hidden in what is sent. */
export const invisibleCharacters: Inspect = (value) => {
  if (isAscii(value) && !hasOneOf(value, CONTROLS)) return NOTHING
  if (!SUSPECT.test(value)) return NOTHING
  const seen: Sighting[] = []
  for (const { reason, weight, pattern, unless } of RULES) {
    const found = pattern.exec(value)
    if (found === null || unless?.test(value) === true) continue
    seen.push({ family: 'characters', weight, reason, evidence: around(value, found.index) })
  }
  return seen
}

const NOTHING: readonly Sighting[] = []
/** What SUSPECT has of ASCII. */
const CONTROLS = placesOf(
  '\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u000b\u000c\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\u007f',
)
const CONTEXT = 12

const around = (value: string, at: number): string => evidence(value.slice(Math.max(0, at - CONTEXT), at + CONTEXT))

/** From text, for characters that combine cannot be told apart in a literal. */
function unicode(source: string): RegExp {
  return new RegExp(source, 'u')
}
