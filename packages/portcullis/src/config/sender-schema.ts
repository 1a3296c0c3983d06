/** What tokens of outside issuers need beside a signature: introspection, scopes, proofs of possession, certificates. */
import { z } from 'zod'
import { exactlyOne, isMap, name, path, roleName, seconds, secretSource, text } from './fields.ts'
import { clientValidation } from './validation-schema.ts'

/** Small keys and quick checks: a proof is verified for each call. RSA is not among the default ones for that reason. */
const PROOF_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const

const scopeName = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/)
  .meta({ title: 'an OAuth scope: visible ASCII without space, quote and backslash' })

const httpsUrl = z
  .string()
  .regex(/^https:\/\/[^\s?#@]+$/)
  .meta({ title: 'an https URL without user, query and fragment' })

export const introspection = z.strictObject({
  url: httpsUrl.optional().describe('Where to ask. Default: `introspection_endpoint` of the metadata of the issuer.'),
  clientId: text.describe('Name of the gateway at the issuer.'),
  secret: secretSource.describe('Its secret there (client_secret_basic).'),
  rememberSeconds: seconds(0, 60)
    .default(10)
    .describe('How long an answer is believed. A token that the issuer revokes is good for that much longer.'),
})

const scope = z.strictObject({
  includes: z.array(scopeName).max(100).default([]).describe('Scopes that it stands for too.'),
  upstreams: z.array(name).max(200).default([]).describe('Upstreams for each message to which it is demanded.'),
  tools: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,31}\/[^\s/][^\s]{0,255}$/)
        .meta({ title: 'UPSTREAM/TOOL, with * for any text' }),
    )
    .max(200)
    .default([])
    .describe('Tools, as `UPSTREAM/TOOL` with `*` for any text, for each call of which it is demanded too.'),
})

export const scopes = z
  .record(scopeName, scope)
  .default({})
  .describe(
    'Scopes that tokens need. Each is demanded for all that lists it; who lacks one is told the whole set. What no scope lists needs none. API keys and certificates have no scopes and need none.',
  )

export const dpop = z.strictObject({
  algorithms: z
    .array(z.enum(PROOF_ALGORITHMS))
    .min(1)
    .default(['ES256', 'EdDSA', 'Ed25519'])
    .describe('Accepted signature algorithms of proofs.'),
  proofSeconds: seconds(5, 300).default(60).describe('How old a proof may be.'),
  clockSkewSeconds: seconds(0, 30).default(5).describe('How far the clock of a caller may be ahead.'),
  nonce: z
    .enum(['required', 'off'])
    .default('required')
    .describe(
      'Whether proofs carry a nonce of the gateway. Weakness: with `off`, whoever could use a key for a moment can make proofs for later.',
    ),
  nonceSeconds: seconds(30, 3600)
    .default(300)
    .describe('How long a nonce is the newest; it is good for as long again.'),
})

const certificateRule = exactlyOne<{ uri?: unknown; dns?: unknown; subject?: unknown }>('uri', 'dns', 'subject')

const certificate = z
  .strictObject({
    uri: z
      .string()
      .regex(/^[a-z][a-z0-9+.-]*:\/\/[^\s]{1,2000}$/)
      .meta({ title: 'a URI such as spiffe://example.org/agents/* ' })
      .optional()
      .describe(
        'The one URI of the certificate, such as a SPIFFE id. `/*` at the end of a SPIFFE id stands for one or more further segments.',
      ),
    dns: z
      .string()
      .regex(/^[A-Za-z0-9.-]{1,253}$/)
      .meta({ title: 'a DNS name without wildcard' })
      .optional()
      .describe('A DNS name of the certificate.'),
    subject: text
      .optional()
      .describe('The whole subject, as the record of a refusal shows it, such as `CN=agent, O=Example`.'),
    authority: path
      .optional()
      .describe(
        'The one authority that may vouch for it. Default: each of `listen.tls.clientCertificates.authorities`.',
      ),
    tenant: text.default('default').describe('Tenant of the principal.'),
    roles: z.array(roleName).default([]).describe('Roles of the principal.'),
    upstreams: z.array(name).max(200).optional().describe('Upstreams that it is limited to. Default: not limited.'),
  })
  .refine(certificateRule.check, certificateRule.params)

export const certificates = z
  .array(certificate)
  .max(200)
  .default([])
  .describe(
    'Client certificates that are a credential of their own. The first rule that fits decides. Needs `listen.tls.clientCertificates`.',
  )

export const senderConstrained = z
  .strictObject({
    roles: z
      .array(roleName)
      .default([])
      .describe('Roles whose credentials have to be bound to a key or a certificate.'),
  })
  .prefault({})
  .describe('Who may not use a bearer credential. For all callers of an upstream: `upstreams.NAME.senderConstrained`.')

const trustDomain = z
  .string()
  .regex(/^[a-z0-9._-]{1,255}$/)
  .meta({ title: 'a SPIFFE trust domain such as example.org' })

export const clientCertificates = z
  .strictObject({
    authorities: z
      .array(path)
      .max(20)
      .default([])
      .describe(
        'Authorities of client certificates, PEM. Each may vouch for every name, unless a rule says whose it is, and but for SPIFFE ids of trust domains that have a bundle.',
      ),
    trustBundles: z
      .record(trustDomain, path)
      .default({})
      .describe(
        'Bundles of SPIFFE trust domains, by trust domain: a SPIFFE bundle (JSON Web Key Set) or PEM, such as spiffe-helper writes. Its authorities vouch for SPIFFE ids of this domain and for nothing else. A file that changes counts without a restart.',
      ),
    bundleSeconds: seconds(1, 3600).default(5).describe('How often the files of the bundles are looked at.'),
    mode: z
      .enum(['optional', 'required'])
      .default('optional')
      .describe('`required` refuses connections without a certificate of these authorities.'),
    ...clientValidation,
  })
  .refine(
    ({ authorities, trustBundles }) =>
      Object.keys(trustBundles ?? {}).length > 0 || !Array.isArray(authorities) || authorities.length > 0,
    { path: ['authorities'], message: 'needs authorities or trustBundles', when: isMap },
  )
  .describe('Asks clients for a certificate.')
