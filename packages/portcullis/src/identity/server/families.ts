/** Decides by which names tokens that were issued together can be revoked together. */
import { createHash } from 'node:crypto'

/** Of one consent. The token carries a digest, so that nobody learns from it what the store calls the consent. */
export const grantFamily = (grantId: string): string => `grant:${grantName(grantId)}`

/** Of one client. */
export const clientFamily = (clientId: string): string => `client:${clientId}`

/** The claim `grant` of a token. */
export const grantName = (grantId: string): string =>
  createHash('sha256').update(grantId).digest('base64url').slice(0, 32)

/** Subject of tokens for people whom only an outside issuer knows. Ids of accounts have no `|`. */
export const outsideAccount = (issuer: string, subject: string): string => `${issuer}|${subject}`

/** Principals of tokens that we issue. Whom an outside issuer knows is the same one as with a token of that issuer. */
export const accountPrincipal = (accountId: string): string =>
  accountId.includes('|') ? accountId : `user:${accountId}`
export const clientPrincipal = (clientId: string): string => `client:${clientId}`
