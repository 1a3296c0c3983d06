/** Decides whether a text is made of words, however they are joined: by the pairs of letters that words of English are made of. */

/** A bit more than a fourth of all pairs, which make up over nine tenths of the pairs in names that people give to things. */
const COMMON: ReadonlySet<string> = new Set(
  (
    'th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al de se le sa si ar ve ra ld ur ll be me ne ri ro ' +
    'co ce ta ec io om li la el ma ic ch us ss ee ho tr di ac ca il so un pe no ol lo em ut ge am ad ul ow ot ir pr wi po ke ly sh id ai ie ' +
    'mo na ns ct pl ab ag ap ay bl bo br bu cl cr da do dr ef ev ex ey fa fe fi fo fr ga gi gr gh ht ia ig im ip iv ki lt mi mp nc oc od op ' +
    'os ov pa ph pi pp rc rd rk rm rn rs rt ry sc sp su ts tt tu ty uc ui um up va vi wa we wh wo qu ck'
  ).split(' '),
)
/** Fewer pairs say nothing. */
const LEAST_PAIRS = 10
/** Random letters have three tenths, so that ten pairs of them pass once in a thousand. */
const SHARE = 0.8

/** Costs a look at each pair of letters that stand beside each other. */
export function isWordy(text: string): boolean {
  const lower = text.toLowerCase()
  let pairs = 0
  let common = 0
  for (let at = 1; at < lower.length; at++) {
    if (!isLetter(lower.charCodeAt(at - 1)) || !isLetter(lower.charCodeAt(at))) continue
    pairs++
    if (COMMON.has(lower.slice(at - 1, at + 1))) common++
  }
  return pairs >= LEAST_PAIRS && common >= SHARE * pairs
}

const isLetter = (code: number): boolean => code >= 97 && code <= 122
