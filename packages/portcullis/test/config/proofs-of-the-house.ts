// Which test through a running gateway proves each key about limits, records, keys and copies. See keys-proved.ts.

import { UPSTREAM, KEEPER, EXPORTER, WITNESS, type Proofs } from './key-places.ts'

export const OF_THE_HOUSE: Proofs = {
  'e2e/configured-places': {
    'is at the address and the port that are said, and nowhere else': ['listen.{,metrics.,revocation.}{host,port}'],
    'of metrics is called by the names that are said': ['listen.metrics.allowedHosts'],
    'of revocations is named in certificates by its public address': ['listen.revocation.url', 'listen.tls.names'],
    'is in the file that is said, from the level on that is said': ['audit.log.{level,file}', 'audit.folder'],
    'are as many as are said for one principal': ['limits.sessions.perPrincipal'],
    'end when nothing was asked for so long': ['limits.sessions.idleSeconds'],
    'concern the tenant that they name, until they end, and their reason is on record': [
      'traffic.lists.blocked[].{kind,value,tenant,reason,until}',
    ],
    'serve only whom they name, in the tenant that they name, until they end': [
      'traffic.lists.allowed[].{kind,value,tenant,until}',
    ],
    'of files are read in the form, with the kind, the reason and the effect that are said': [
      'traffic.lists.files[].{file,effect,format,kind,reason}',
    ],
    'that are blocked get nothing, and others nothing where some are allowed': ['traffic.{blocked,allowed}'],
  },
  'attacks/lying-upstream': {
    '${title} ends the call with a safe sentence': ['limits.callSeconds'],
  },
  'attacks/parsers': {
    '${title} is refused': ['limits.{maxBodyBytes,maxDepth,maxMembers}'],
  },
  'e2e/definitions': {
    'follows a trusted upstream, and puts its changes on record': [`${UPSTREAM}.trust`],
    'takes the signature of another house when the configuration trusts it, and then only that': [
      'definitions.trustedSigners.NAME',
    ],
    'keeps the lock where the configuration says': ['definitions.lock'],
  },
  'e2e/definition-approval': {
    'brings nothing back, unless the configuration accepts that': ['definitions.rollback'],
  },
  'attacks/outbound-certificates': {
    'is heard with the word that asks nobody, which counts as a weakness': ['outbound.revocation'],
    'is told nothing, whatever it is asked for, and the log says why': ['outbound.revocationNetworks'],
  },
  'attacks/revoked-database': {
    'a revoked one is told nothing and the gateway does not start; another one is told who asks': ['outbound.crls'],
  },
  'e2e/rate-limits': {
    'no more calls run at once than a principal may; the rest wait, and too many are refused': [
      'limits.concurrency.{perPrincipal,queue}',
    ],
  },
  'e2e/pressure': {
    'count what a tool costs against its caller, and a price that nobody can pay is a mistake': [
      'traffic.rate.tools.NAME.cost',
    ],
    'leave a server alone that fails, say until when, let administrators see it, and try again': [
      'limits.breakers.openSeconds',
    ],
    'refuses streams first, then calls, and serves administrators and hellos to the last': ['limits.overload.lagMs'],
  },
  'e2e/misconduct': {
    'whoever floods again and again is kept out before the handshake; what it has open goes on, and so do others': [
      'limits.abusiveConnections',
    ],
  },
  'e2e/shared-limits': {
    'over one Redis let exactly as many calls through as the limit says, and both keep to a block and a revocation': [
      'traffic.redis.{url,password,plaintext}',
    ],
    'refuses every call while it is away, so that no limit is passed, and counts alone only where that is spelled': [
      'traffic.redis.{timeoutMs,onLoss}',
    ],
  },
  'e2e/lists': {
    'refuse places before anything else, by network and by country, and say nothing of why': [
      'traffic.lists.countries',
    ],
  },
  'e2e/anomalies': {
    'a gateway that is told not to watch says so and does nothing': ['anomalies.watch'],
    'who is known, how high the levels are and how often an alert is repeated can be configured': [
      'anomalies.{learning.days,learning.calls,levels.medium,repeatSeconds}',
    ],
    'a blocked caller reaches nothing until the time is over, and everybody else does': [
      'anomalies.{holdSeconds,answers.{medium,high,critical}}',
    ],
    'a throttled caller may do little, and is told when to come back': ['anomalies.throttle.{perSeconds,burst}'],
    'denials in a burst are alerted of: recorded once with a count, logged, counted, and nobody is held back': [
      'anomalies.deniedPerMinute',
    ],
    'failed sign-ins of an address are alerted of in the chain of the gateway; its own machine is never blocked': [
      'anomalies.failedSignInsPerMinute',
    ],
    'a canary is refused like an unknown tool, answered at once, and never passed on': ['anomalies.canaries'],
    'administrators and whoever is exempt are told of and never held back': ['anomalies.exempt.roles'],
    'a principal can be exempt by its name': ['anomalies.exempt.principals'],
    'an address from which sign-ins fail is blocked, unless an administrator comes from there': [
      'anomalies.exempt.networks',
    ],
    'no more callers and tools are remembered than configured': ['anomalies.{principals,tools}'],
  },
  'e2e/configured-keepers': {
    'is sealed under ${name}, and opens later where that is a keeper of before': [
      `${KEEPER}.driver`,
      `${KEEPER}.file.path`,
      `${KEEPER}.aws.{key,region,credentials,endpoint,ca}`,
      `${KEEPER}.gcp.{key,account,endpoint,ca}`,
      `${KEEPER}.azure.{vault,key,application.{directory,client,secret},authority,ca}`,
      `${KEEPER}.vault.{address,mount,key,namespace,token,appRole.{mount,role,secret},kubernetes.{mount,role,tokenFile},ca}`,
    ],
    'is asked ${attempts} times at most': ['dataProtection.keyEncryption.attempts'],
  },
  'e2e/keys': {
    'is asked at the start, and its absence is bridged as long as is configured': [
      'dataProtection.{refreshSeconds,outageSeconds}',
    ],
    'without its tenant keys no backup opens; with their copy it does': ['dataProtection.tenantKeys.copy'],
  },
  'e2e/backup-schedule': {
    'the first is made when the gateway starts, sealed for all recipients, on record and in the log': [
      'backup.{recipients,folder,schedule.everyHours}',
    ],
    'an operator can have one at once, which continues the last; then old ones go, but none that is continued': [
      'backup.schedule.{keep,fullEvery}',
    ],
    'its age is a metric, and one that is overdue is told': ['backup.{privateKeys,schedule.alertAfterHours}'],
  },
  'e2e/postgres-backup': {
    'is made by the gateway while it serves, and holds a copy that reads to its end and no password': [
      'backup.postgres.{username,password}',
    ],
  },
  'e2e/audit-retention': {
    'records that are older than the retention go, and the rest verifies and says so itself': ['audit.retention.days'],
    'records beyond the size go, by tenant and for all': [
      'audit.retention.megabytes',
      'tenants.NAME.retention.{days,megabytes}',
    ],
  },
  'e2e/audit-witness': {
    'comes with each result, and is valid with the chain and without it': ['audit.receipts'],
    'is told of each checkpoint': [
      'audit.checkpointEverySeconds',
      `${WITNESS}.{file.path,https.url,https.headers.NAME,https.plaintext}`,
    ],
    'that is required and cannot be told ends all calls, before their upstream': [
      `${WITNESS}.{required,maxLagSeconds}`,
    ],
    'a witness on the device of the chains is refused unless it is spelled out': [`${WITNESS}.file.sameDevice`],
  },
  'e2e/export': {
    'fills a file, a collector and a syslog receiver at once, each in its own form': [
      `${EXPORTER}.{format,tenants,kinds,file.path,otlp.url,otlp.ca,otlp.headers.NAME}`,
      `${EXPORTER}.syslog.{host,port,ca}`,
    ],
    'refuses calls while a required receiver is too far behind, before anything is done for them': [
      `${EXPORTER}.{required,maxLagSeconds}`,
    ],
    'sends every record of every chain, once while nothing fails, signed and in order': [
      `${EXPORTER}.webhook.{url,ca,secrets}`,
    ],
    'standard output gets a line for each record, and a reader that stops holds up no call': [`${EXPORTER}.stdout`],
  },
  'e2e/configured-export': {
    'gets the headers, the signature of the key and our certificate, in requests of the size that is said': [
      `${EXPORTER}.{batch.records,batch.kilobytes,webhook.{headers.NAME,signingKey,certificate,key}}`,
    ],
    'that refuses a record is asked as often as is said, and then goes on': [`${EXPORTER}.attempts`],
    'that hangs has failed after its deadline': [`${EXPORTER}.deadlineSeconds`],
    'gets what was there before only where that is said': [`${EXPORTER}.begin`],
    'is followed by another at its size, and as many stay as are said': [`${EXPORTER}.file.{maxMegabytes,keep}`],
    'has the facility, the number, the name and the certificate that are said, and keeps its connection where that is said':
      [`${EXPORTER}.syslog.{facility,enterpriseNumber,acknowledgement,serverName,certificate,key}`],
    'is shown our certificate, and is reached over plain http where that is said': [
      `${EXPORTER}.{otlp.{certificate,key,plaintext},webhook.plaintext}`,
    ],
    'traces no more calls in a second than perSecond says': ['telemetry.traces.sampling.perSecond'],
    'names the service as is said, tells metrics as often, and waits no longer for an answer': [
      'telemetry.{serviceName,deadlineSeconds,metrics.everySeconds}',
    ],
  },
  'e2e/telemetry': {
    'joins that of the caller, covers the stages, and goes on to the upstream': ['telemetry.{endpoint,plaintext}'],
    'says who called only as it is asked to': ['telemetry.{principals,tenants}'],
    'carries arguments and results of the tools that are named for it, without what is a secret': [
      'telemetry.traces.content.{arguments,results,maxCharacters}',
    ],
    'hands on the baggage that is listed': ['telemetry.traces.baggage'],
    'is not the caller, beyond what it may add': ['telemetry.traces.sampling.{ratio,callersPerSecond}'],
    'is the caller where it is trusted, and nobody joins where callers are ignored': [
      'telemetry.traces.sampling.callers',
    ],
    'reaches the collector from the level on that is asked for, and a hanging collector holds up nothing': [
      'telemetry.logs.level',
    ],
    'holds up no call, costs bounded memory, and is told of once': ['telemetry.traces.queue.spans'],
    'is TLS under the authority that is named, with the certificate and the header that are asked for': [
      'telemetry.{ca,certificate,key,headers.NAME}',
    ],
  },
}
