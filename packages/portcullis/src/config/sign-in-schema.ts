/** `identity.server.signIn` and `identity.server.providers`: how people prove who they are, here or elsewhere. */
import { z } from 'zod'
import { claim, issuerId, rolesByClaims, tenantByClaims } from './claims-schema.ts'
import { address, isMap, name, path, roleName, secretSource, text } from './fields.ts'

export const signIn = z
  .array(z.enum(['password', 'password+totp', 'passkey']))
  .max(3)
  .refine((ways) => !(ways.includes('password') && ways.includes('password+totp')), {
    message: 'password lets people in without a code; keep one of password and password+totp',
    when: ({ value }) => Array.isArray(value),
  })
  .default(['password', 'passkey'])
  .describe(
    'Ways to sign in that suffice by themselves. `password` asks for a one-time code where the account has one, `password+totp` lets nobody in without one. `passkey` needs a public URL with a host name: browsers have none for addresses. Empty: people sign in at `providers` only.',
  )

const scopeName = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/)
  .meta({ title: 'an OAuth scope: visible ASCII without space, quote and backslash' })

const emailDomain = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/)
  .meta({ title: 'a domain in lower case, such as example.com' })

const admission = z
  .strictObject({
    emailDomains: z
      .array(emailDomain)
      .min(1)
      .max(100)
      .optional()
      .describe('Domains of e-mail addresses. Only an address that the provider has verified counts.'),
    groups: z
      .strictObject({
        claim: claim.describe('Claim that lists the groups.'),
        values: z.array(text).min(1).max(200).describe('One of these is enough.'),
      })
      .optional()
      .describe('Groups at the provider.'),
  })
  .refine(({ emailDomains, groups }) => emailDomains !== undefined || groups !== undefined, {
    message: 'needs emailDomains, groups or both',
    when: isMap,
  })

export const provider = z
  .strictObject({
    name: name.describe('Its redirect URI is the public URL with `/auth/callback/NAME`.'),
    title: text.describe('What people call it; it stands on its button.'),
    issuer: issuerId,
    clientId: text.describe('Name of the gateway there.'),
    clientSecret: secretSource.optional().describe('Its secret there.'),
    clientKey: secretSource
      .optional()
      .describe('Its private key there, a JSON Web Key with `alg` (`private_key_jwt`, RFC 7523).'),
    scopes: z
      .array(scopeName)
      .max(50)
      .default(['openid', 'profile', 'email'])
      .describe('What is asked for; `openid` always is.'),
    create: z
      .enum(['never', 'on-first-sign-in'])
      .default('never')
      .describe(
        '`on-first-sign-in` makes an account for each person whom `admit` lets in. With `never`, accounts are linked by `portcullis user link`.',
      ),
    admit: z
      .union([z.literal('everybody'), admission])
      .meta({ title: 'everybody, or { emailDomains, groups }' })
      .optional()
      .describe('Who may sign in, looked at each time. Weakness: `everybody` whom the provider knows.'),
    nameClaim: claim
      .default('email')
      .describe('Claim that names a new account. An e-mail address must be verified. A name that is taken is refused.'),
    tenant: tenantByClaims,
    roles: rolesByClaims,
    everyone: z.array(roleName).default([]).describe('Roles of everybody whose account was made for this provider.'),
    strength: z
      .enum(['ignored', 'believed'])
      .default('ignored')
      .describe(
        'Whether `amr` and `acr` of the provider are passed on into our tokens and to policies. Otherwise they say `fed`.',
      ),
    privateNetworks: z
      .array(address)
      .max(50)
      .default([])
      .describe('Networks of your own in which the provider may be. Others than public addresses get no request.'),
    ca: path.optional().describe('Authorities to trust for the provider beside the usual ones, PEM.'),
  })
  .refine(({ clientSecret, clientKey }) => (clientSecret === undefined) !== (clientKey === undefined), {
    message: 'needs exactly one of clientSecret, clientKey',
    when: isMap,
  })
  .refine(({ create, admit }) => create === 'never' || admit !== undefined, {
    path: ['create'],
    message: 'say whom to make accounts for: add admit',
    when: isMap,
  })

export const providers = z
  .array(provider)
  .max(20)
  .default([])
  .describe('Outside OpenID providers at which people sign in. Each application still needs their consent here.')
