/** Decides what `Signature-Input` and `Signature` say, and the bytes that are signed (RFC 9421 §2.3, §2.5, §4). */
import {
  type Dictionary,
  type InnerList,
  isInnerList,
  type Parameters,
  parseDictionary,
  serializeInnerList,
} from 'structured-headers'
import { type Component, componentOf, identityOf } from './component.ts'
import { type HttpView, valueOf } from './http-view.ts'
import { SignatureProblem } from './problem.ts'

/** What a signature covers, and under which circumstances it was made. */
export interface SignatureInput {
  readonly components: readonly Component[]
  readonly parameters: Parameters
  /** The inner list with its parameters: `@signature-params` of the signature base. */
  readonly text: string
}

export interface LabelledSignature {
  readonly label: string
  readonly input: SignatureInput
  readonly signature: Buffer
}

/** Bounds for what is parsed before anybody has proved anything; lengths in characters. */
const MAX_LENGTH = 8_192
const MAX_SIGNATURES = 8
const MAX_COMPONENTS = 64
const MAX_PARAMETERS = 16

/** All signatures of a message. Throws SignatureProblem when one of the two fields is missing or does not fit the other. */
export function readSignatures(input: string | undefined, signature: string | undefined): readonly LabelledSignature[] {
  if (input === undefined || signature === undefined) throw new SignatureProblem('half of a signature')
  const inputs = dictionaryOf(input)
  const signatures = dictionaryOf(signature)
  if (inputs.size !== signatures.size || inputs.size === 0) throw new SignatureProblem('labels that do not fit')
  return [...inputs].map(([label, member]) => {
    const [bytes] = signatures.get(label) ?? []
    if (!(bytes instanceof ArrayBuffer)) throw new SignatureProblem('labels that do not fit')
    if (!isInnerList(member)) throw new SignatureProblem('no list of components')
    return { label, input: inputOf(member), signature: Buffer.from(bytes) }
  })
}

/** Throws SignatureProblem for components that do not exist or come twice. */
export function inputOf([items, parameters]: InnerList, derived?: ReadonlySet<string>): SignatureInput {
  if (items.length > MAX_COMPONENTS || parameters.size > MAX_PARAMETERS) throw new SignatureProblem('too much')
  const components = items.map((item) => componentOf(item, derived))
  if (new Set(components.map(identityOf)).size < components.length) throw new SignatureProblem('a component twice')
  return { components, parameters, text: serializeInnerList([items, parameters]) }
}

/** What is about to be signed. `undefined` parameters are left out; the others keep their order. */
export function newInput(
  components: readonly Component[],
  parameters: Readonly<Record<string, string | number | undefined>>,
): SignatureInput {
  const given = Object.entries(parameters).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  const map: Parameters = new Map(given)
  const text = `(${components.map((one) => one.text).join(' ')})${serializeInnerList([[], map]).slice(2)}`
  return { components, parameters: map, text }
}

/** RFC 9421 §2.5. Throws SignatureProblem when the message lacks a part that is covered. */
export function signatureBase(input: SignatureInput, view: HttpView): Buffer {
  let base = ''
  for (const component of input.components) base += `${component.text}: ${valueOf(component, view)}\n`
  // Names and structured values are ASCII; a field may hold obs-text, which Node reads as latin1.
  return Buffer.from(`${base}"@signature-params": ${input.text}`, 'latin1')
}

/** The values of the two fields for one signature. */
export const signatureFields = (label: string, input: SignatureInput, signature: Buffer) => ({
  'signature-input': `${label}=${input.text}`,
  signature: `${label}=:${signature.toString('base64')}:`,
})

/** Throws SignatureProblem for what is no dictionary or a very large one. */
export function dictionaryOf(text: string): Dictionary {
  if (text.length > MAX_LENGTH) throw new SignatureProblem('too long')
  let dictionary: Dictionary
  try {
    dictionary = parseDictionary(text)
  } catch {
    throw new SignatureProblem('malformed')
  }
  if (dictionary.size > MAX_SIGNATURES) throw new SignatureProblem('too many signatures')
  return dictionary
}
