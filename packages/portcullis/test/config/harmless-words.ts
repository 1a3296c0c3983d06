// Words of the configuration that give up no guarantee, with the reason. Every word that the schema offers beside the default
// is here or in the list of weaknesses: words.test.ts goes through all.

const VERDICTS = '{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.{on,roles}.*'
const MASKING =
  '{masking,upstreams.NAME.masking,upstreams.NAME.masking.tools.NAME,tenants.NAME.masking}.{arguments,results}.*'
const RULE = 'upstreams.NAME.inspection.tools.NAME.arguments.NAME'
const SANDBOX = 'upstreams.NAME.{stdio,code}.sandbox'
const KEEPER = 'dataProtection.{keyEncryption,previous[]}'

/** By the reason: keys (`a.{b,c}` stands for two, `*` at the end for all below) with the words, or `*` for all of them. */
export const HARMLESS: Readonly<Record<string, readonly (readonly [key: string, words: string])[]>> = {
  'demands more than the default does': [
    ['listen.tls.clientCertificates.mode', 'required'],
    ['{listen.tls.clientCertificates,upstreams.NAME.http.tls,outbound}.revocation', 'strict'],
    ['identity.apiKeys.enabled', 'false'],
    ['upstreams.NAME.senderConstrained', 'required'],
    ['upstreams.NAME.signatures.callers', 'required'],
    ['upstreams.NAME.signatures.answers', 'always'],
    ['upstreams.NAME.http.tls.profile', 'webpki'],
    ['identity.signatures.required.routes', '*'],
    [`${SANDBOX}.require`, '*'],
    ['upstreams.NAME.required', 'true'],
    ['audit.witness.NAME.required', 'true'],
    ['exporters.NAME.required', 'true'],
    ['audit.receipts', 'every-answer'],
    [`${RULE}.sql.star`, 'refused'],
    [`${RULE}.{url,host}.addresses`, 'refused'],
    [`${RULE}.shell.programs.NAME.operands`, 'paths none'],
    ['anomalies.answers.{low,medium,high,critical}', 'alert ask throttle block'],
    ['inspection.results.classifier.{verdict,onError}', 'ask'],
    ['{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.results.ui', 'source refuse'],
    [VERDICTS, 'refuse'],
  ],
  'is what holds without it': [
    ['version', '1'],
    ['listen.tls.authority', 'local'],
    ['{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.mode', 'enforce'],
    ['{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.results.ui', 'keep'],
    ['{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.results.spotlight', 'none'],
    ['{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.results.mark', 'false'],
    [`${RULE}.{url,host}.insideHosts`, 'refused'],
    [`${RULE}.{url,host}.addresses`, 'public'],
    [`${RULE}.url.credentials`, 'refused'],
    [`${RULE}.host.port`, 'refused'],
    [`${RULE}.path.{style,form,parents}`, 'posix relative refused'],
    [`${RULE}.shell.programs.NAME.operands`, 'any'],
    [`${RULE}.shell.variant`, 'bash'],
    ['upstreams.NAME.payloads.{,tools.NAME.}{arguments,results}', 'false'],
    ['masking.{arguments,results}.*', 'keep'],
  ],
  'says what there is, and weakens nothing where it is true': [
    ['identity.signatures.{keys[],answers}.algorithm', '*'],
    ['upstreams.NAME.signatures.{requests,expect}.algorithm', '*'],
    ['upstreams.NAME.era', 'modern legacy'],
    [`${RULE}.role`, '*'],
    [`${RULE}.sql.dialect`, '*'],
    [`${RULE}.shell.variant`, 'posix mksh'],
    [`${RULE}.path.style`, 'win32'],
    ['traffic.lists.{blocked,allowed,files}[].kind', '*'],
    ['traffic.lists.files[].format', 'csv json-lines'],
    ['traffic.lists.files[].effect', 'allow'],
    ['{identity.issuers,identity.server.assertions.issuers}[].algorithms', '*'],
    ['identity.dpop.algorithms', '*'],
    [`${KEEPER}.aws.credentials`, 'web-identity container instance'],
  ],
  'chooses among ways of the same strength': [
    ['listen.tls.http2', 'off'],
    ['store.kind', 'postgres'],
    [`${SANDBOX}.driver`, 'container'],
    [`${SANDBOX}.container.engine`, 'docker'],
    [`${SANDBOX}.network.mode`, 'explicit'],
    ['upstreams.NAME.http.oauth.grant', 'client-credentials'],
    ['upstreams.NAME.http.oauth.registration', 'dynamic'],
    [`${KEEPER}.driver`, 'keychain aws-kms gcp-kms azure-key-vault vault-transit'],
    ['exporters.NAME.format', 'ocsf cef'],
    ['identity.server.signIn', '*'],
    ['upstreams.NAME.code.languages', '*'],
    ['identity.server.assertions.issuers[].account', 'linked'],
  ],
  'has no default: whoever writes the key decides whose credential it is': [
    ['upstreams.NAME.http.oauth.mode', '*'],
    ['upstreams.NAME.http.vault.of', '*'],
  ],
  'clients that want an answer of a responder ask for it themselves': [['listen.tls.staple', 'off']],
  'is about accounts that `admit` lets in, and `admit: everybody` is a weakness': [
    ['identity.server.providers[].create', 'on-first-sign-in'],
  ],
  'a provider at which people sign in is believed about who they are, so why not about how': [
    ['identity.server.providers[].strength', 'believed'],
  ],
  'the kinds count only where `readOnly: false` lets them, which is a weakness': [[`${RULE}.sql.statements`, '*']],
  'a port is no way to a host that is not allowed': [[`${RULE}.host.port`, 'allowed']],
  'relative paths start from `base`; without roots anything but `relative` is a weakness': [
    [`${RULE}.path.form`, 'absolute either'],
  ],
  'goes to the audit trail, sealed, and whoever reads it is on record': [
    ['upstreams.NAME.payloads.{,tools.NAME.}{arguments,results}', 'true'],
  ],
  'marks data for a model or a caller, and lets nothing through': [
    ['{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.results.spotlight', '*'],
    ['{inspection,upstreams.NAME.inspection,upstreams.NAME.inspection.tools.NAME}.results.mark', 'true'],
  ],
  'a hint alone refuses nothing, and milder words for it only keep it from the record': [[VERDICTS, 'hint:*']],
  'takes out what was found, or asks a person; where a breach is concerned it is a weakness': [
    [VERDICTS, 'strong:mask strong:ask'],
  ],
  'is what holds anyway where people write freely': [[VERDICTS, 'strong:annotate']],
  'the shape that is left, or a token that is of no use to others, tells nobody the value': [
    [MASKING, 'mask remove tokenise'],
  ],
  'a token that stays a token tells the upstream less': [['{,upstreams.NAME.}masking.restore', 'true false']],
  'what is not sent stays in the chains': [
    ['exporters.NAME.begin', 'newest'],
    ['exporters.NAME.kinds', '*'],
  ],
  'the first record of each start lists weaknesses, whatever is logged': [
    ['audit.log.level', 'silent error warn debug'],
    ['telemetry.logs.level', 'debug warn error'],
  ],
  'gives whoever collects no name': [
    ['telemetry.{principals,tenants}', 'hashed'],
    ['telemetry.traces.sampling.callers', 'ignored'],
  ],
  'a ready-made role is given to nobody by being in force': [['{,tenants.NAME.}policy.builtin', '*']],
}
