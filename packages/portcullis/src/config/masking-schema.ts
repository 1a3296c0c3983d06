/** `masking`: what is done about secrets and personal data in arguments and results, for all, one upstream, one tool, or one tenant. */
import { z } from 'zod'
import { MASK_ACTIONS, type SensitiveKind } from '../core/recognise/kinds.ts'
import { count } from './fields.ts'

const action = z.enum(MASK_ACTIONS)

const SAID_OF_KINDS = {
  secret: 'Credentials: keys, tokens, passwords in URLs, private keys.',
  card: 'Numbers of payment cards with the right check digit.',
  iban: 'Numbers of bank accounts (ISO 13616).',
  'national-id': 'Numbers that states give to persons, passports and driving licences.',
  email: 'E-mail addresses.',
  phone: 'Telephone numbers.',
  ip: 'Addresses of machines. Not part of `personal`: they have to be named here.',
  name: 'Names of persons, by the name of the member that holds them.',
  address: 'Postal addresses, by the name of the member that holds them.',
  'birth-date': 'Dates of birth, by the name of the member that holds them.',
} as const satisfies Readonly<Record<SensitiveKind, string>>

const kinds = z.strictObject(
  Object.fromEntries(
    Object.entries<string>(SAID_OF_KINDS).map(([kind, says]) => [kind, action.optional().describe(says)]),
  ) as Record<SensitiveKind, z.ZodOptional<typeof action>>,
)

const fieldName = z
  .string()
  .regex(/^[^\0\r\n]{1,256}$/)
  .meta({ title: 'the name of a member' })

const pointer = z
  .string()
  .regex(/^(?:\/[^\0\r\n/]{0,256}){1,32}$/)
  .meta({ title: 'a JSON pointer such as /customers/*/notes' })

const level = z.strictObject({
  secrets: action
    .optional()
    .describe(
      'Credentials: they stay (`keep`), keep only their shape (`mask`), go (`remove`), or become a token that the same caller may send back (`tokenise`). Default: what is said farther out, else `keep`.',
    ),
  personal: action
    .optional()
    .describe('All personal data but addresses of machines. Default: what is said farther out, else `keep`.'),
  kinds: kinds.optional().describe('By kind; comes before `secrets` and `personal` of the same place.'),
  fields: z
    .record(fieldName, action)
    .optional()
    .describe(
      'Values of members by their names, without regard to case and punctuation, in structured content and JSON texts.',
    ),
  paths: z
    .record(pointer, action)
    .optional()
    .describe('Values by JSON pointer, with `*` for any element or member, into arguments and structured content.'),
  keepLast: count(0, 4)
    .optional()
    .describe('How many last digits of cards, accounts and telephone numbers `mask` leaves. Default: 4.'),
})

const levels = {
  arguments: level.optional().describe('Of what callers send, before an upstream gets it.'),
  results: level.optional().describe('Of what upstreams answer, before a caller gets it.'),
}

const restore = z
  .boolean()
  .optional()
  .describe(
    'Tokens of the caller in arguments become what they stand for. Default: what is said farther out, else yes.',
  )

/** Of all. */
export const masking = z.strictObject({ ...levels, restore })

/** Of one tenant; comes before all others. */
export const tenantMasking = z.strictObject(levels)

/** Of one upstream and its tools. */
export const upstreamMasking = z.strictObject({
  ...levels,
  restore,
  tools: z
    .record(
      z
        .string()
        .regex(/^[^\0\r\n]{1,256}$/)
        .meta({ title: 'the name of a tool as its upstream calls it' }),
      z.strictObject(levels),
    )
    .optional()
    .describe('Tools by the name that the upstream gives them.'),
})
