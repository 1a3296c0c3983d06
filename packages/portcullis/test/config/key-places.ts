// Where keys stand that many have in common, for the tables of their proofs.

export const any = (names: readonly string[]): string => `{${names.join(',')}}`

export const UPSTREAM = 'upstreams.NAME'
export const RULE = `${UPSTREAM}.inspection.tools.NAME.arguments.NAME`
/** The places at which verdicts and what is done about results can be said. */
export const VERDICTS_AT = `{,${UPSTREAM}.}inspection`
export const TOOL_VERDICTS = `${UPSTREAM}.inspection.tools.NAME`
export const MASKING_AT = `{masking,${UPSTREAM}.masking,${UPSTREAM}.masking.tools.NAME,tenants.NAME.masking}.{arguments,results}`
export const SANDBOX = `${UPSTREAM}.{stdio,code}.sandbox`
export const ISSUER = 'identity.issuers[]'
export const PROVIDER = 'identity.server.providers[]'
export const ASSERTED = 'identity.server.assertions.issuers[]'
export const KEEPER = 'dataProtection.{keyEncryption,previous[]}'
export const EXPORTER = 'exporters.NAME'
export const WITNESS = 'audit.witness.NAME'
export const CLIENTS = 'listen.tls.clientCertificates'

/** By file and title of a test, the keys whose effect it shows. */
export type Proofs = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
