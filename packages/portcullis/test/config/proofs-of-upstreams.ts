// Which test through a running gateway proves each key about upstreams and what passes to and from them. See keys-proved.ts.

import { PLACES } from '../../src/core/inspection-words.ts'
import { SENSITIVE_KINDS } from '../../src/core/recognise/kinds.ts'
import {
  any,
  UPSTREAM,
  RULE,
  VERDICTS_AT,
  TOOL_VERDICTS,
  MASKING_AT,
  SANDBOX,
  EXPORTER,
  WITNESS,
  type Proofs,
} from './key-places.ts'

const FOUND = [
  'sql.{breach,strong}',
  'command.{breach,strong}',
  'markup.{breach,strong,hint}',
  'path.{breach,strong,hint}',
  'url.{breach,strong,hint}',
  'expression.strong',
  'secret.{breach,strong,hint}',
  'characters.{strong,hint}',
  'prompt.hint',
]

export const OF_UPSTREAMS: Proofs = {
  'e2e/proof-of-possession': {
    'a role can demand it wherever it goes': ['identity.senderConstrained.roles'],
    'where bound credentials are demanded, a bearer opens neither the upstream nor the aggregate': [
      `${UPSTREAM}.senderConstrained`,
    ],
  },
  'e2e/signatures': {
    'are signed for those who ask, as the answer to the very request': [
      'identity.signatures.answers.{id,algorithm,key}',
    ],
    'roles and paths can be told apart': ['identity.signatures.required.{roles,routes}'],
    'answers can be signed always': [`${UPSTREAM}.signatures.answers`],
    'gets signed requests, and is believed where it signs': [
      `${UPSTREAM}.signatures.{requests.{id,algorithm,key},expect.{id,algorithm,publicKey}}`,
    ],
  },
  'e2e/sandboxed-server': {
    'it sees no process but its own, and an environment of its own': [`${UPSTREAM}.stdio.env.NAME`],
    'each principal has a process of its own': [`${UPSTREAM}.stdio.{command,args}`],
  },
  'e2e/configured-sandbox': {
    '${what} means nothing for a snippet, so the gateway does not start with it': [
      `${UPSTREAM}.code.sandbox.{outputMiB,totalOutputMiB,volumes[].{name,at,sizeMiB,files}}`,
    ],
    '${key} holds': [
      `${UPSTREAM}.stdio.sandbox.volumes[].{name,at,sizeMiB,files}`,
      `${SANDBOX}.{driver,diskMiB,diskFiles}`,
      `${UPSTREAM}.stdio.sandbox.totalOutputMiB`,
      `${SANDBOX}.network.allow[].credential.{header,value}`,
      `${SANDBOX}.{read,write,memoryMiB,processes,openFiles,fileMiB,tmpMiB,tmpFiles}`,
      `${SANDBOX}.network.{mode,maxMiB,connections,idleSeconds}`,
      `${SANDBOX}.network.allow[].{host,ports,methods,private}`,
    ],
  },
  'attacks/sandbox-gateway': {
    'holds when an upstream ${attack.title} (${attack.id})': [`${UPSTREAM}.stdio.sandbox.cpus`],
  },
  'e2e/opened-tls': {
    'a program trusts the gateway in place of the host, and its request arrives with the credential': [
      `${UPSTREAM}.stdio.sandbox.network.allow[].tls`,
    ],
  },
  'e2e/warm': {
    'they are started before anybody asks, and bounded': [`${UPSTREAM}.stdio.warm`],
  },
  'e2e/restarts': {
    'by not starting is given up after its time': [`${UPSTREAM}.stdio.deadlines.startSeconds`],
  },
  'e2e/configured-times': {
    "a session's stream on which nothing happens ends, and without a message": ['limits.listenIdleSeconds'],
  },
  'e2e/upstream-oauth': {
    'tells a caller without a grant where to connect, in the form that it can take': [
      `${UPSTREAM}.http.oauth.{mode,plaintext}`,
    ],
    'asks with PKCE, for this very resource, and shows the client only to its issuer': [
      `${UPSTREAM}.http.oauth.{issuer,client.id,client.secret}`,
    ],
    'can be one for which the gateway gets its own token, with more scopes when they are demanded': [
      `${UPSTREAM}.http.oauth.grant`,
    ],
    'does so once when that is spelled out': [`${UPSTREAM}.http.oauth.registration`],
  },
  'conformance/oauth-client': {
    'passes auth/${scenario}': [`${UPSTREAM}.http.oauth.visitor`],
  },
  'attacks/connecting': {
    'has to have the role of a connector then, and not only when the link was made': [
      `${UPSTREAM}.http.oauth.connectors`,
    ],
  },
  'e2e/upstream-secrets': {
    'is had for the token of each caller, once, and only the token service sees that one': [
      `${UPSTREAM}.http.exchange.{issuer,tokenEndpoint,client.id,client.secret,plaintext}`,
    ],
    'goes on with the calls of its principal only, is read anew for each call, and never shown': [
      `${UPSTREAM}.http.vault.of`,
    ],
    'survives new keys while the gateway runs, and ends with the keys of its tenant': [
      `${UPSTREAM}.http.vault.{header,scheme}`,
    ],
  },
  'e2e/configured-upstreams': {
    'may name the roles that are said, and no other': ['policy.roles'],
    'has callSeconds for each call': [`${UPSTREAM}.stdio.deadlines.callSeconds`],
    'starts in the folder cwd': [`${UPSTREAM}.stdio.cwd`],
    'ends after lifeSeconds, and after idleSeconds without a call': [
      `${UPSTREAM}.stdio.deadlines.{lifeSeconds,idleSeconds}`,
    ],
    'is shared by the principals of a tenant where process says so': [`${UPSTREAM}.stdio.process`],
    'may put out totalOutputMiB in all and outputMiB in a second': [`${UPSTREAM}.stdio.sandbox.outputMiB`],
    'has no more connections than maxConnections': [`${UPSTREAM}.http.{url,plaintext,maxConnections}`],
    'keeps of a tool as many bytes as its maxBytes says': [`${UPSTREAM}.payloads.tools.NAME.maxBytes`],
    'are as many as total says, and are waited for as long as waitMs says': ['limits.concurrency.{total,waitMs}'],
    'open when as many of the calls fail as ratio says': ['limits.breakers.ratio'],
    'begin at the scores that are said, and are answered as is said': [
      'anomalies.{levels.{low,high,critical},answers.low}',
    ],
    'has the ready-made roles that its policy puts in force': ['tenants.NAME.policy.builtin'],
    'is a branch of a repository, and its remote too': [`${WITNESS}.git.{repository,branch,remote,sameDevice}`],
    'over https is believed by its authority, in the networks that are said': [`${WITNESS}.https.{ca,privateNetworks}`],
    'wait for others as long as waitMs says': [`${EXPORTER}.batch.waitMs`],
    'asks for the scopes that are said': [`${UPSTREAM}.http.oauth.scopes`],
    'presents the document that is said': [`${UPSTREAM}.http.oauth.document`],
  },
  'e2e/configured-access': {
    'is asked for the resource, the audience and the scopes that are said, and for no other': [
      `${UPSTREAM}.http.exchange.{resource,audience,scopes}`,
    ],
    'goes to a server of this house only where its network and its authority are said': [
      `${UPSTREAM}.http.exchange.{privateNetworks,ca}`,
    ],
    'of ${place} has its burst, its permits and its period': [
      'traffic.rate.{perAddress,perPrincipal,perClient,upstreams.NAME,tools.NAME.rate}.{permits,perSeconds,burst}',
      'tenants.NAME.limits.rate.{permits,perSeconds,burst}',
    ],
    'lister is the tenant whose secret reads the list of tools': [`${UPSTREAM}.http.vault.lister`],
  },
  'attacks/managed-credential': {
    'a modern upstream gets the managed credential, whatever the caller sends': [`${UPSTREAM}.http.headers.NAME`],
  },
  'attacks/upstream-certificates': {
    '${name} (${reason})': [`${UPSTREAM}.http.tls.{revocation,profile,pins}`],
    name: [`${UPSTREAM}.http.tls.{ca,crls,revocationNetworks}`],
  },
  'e2e/run-code': {
    'there is a tool for each language, whose schemas say what goes in and out': [`${UPSTREAM}.code.languages`],
    'one that runs for ever, prints for ever or fills its disk is ended, and others run meanwhile': [
      `${UPSTREAM}.code.outputKiB`,
    ],
    title: [`${UPSTREAM}.code.timeoutSeconds`],
  },
  'e2e/bridging': {
    'carries a conversation with the upstream "${name}" for ${client}': [`${UPSTREAM}.era`],
  },
  'e2e/configured-verdicts': {
    '${family}.${weight} is what the nearest place says': [
      ...FOUND.flatMap((found) => [`${VERDICTS_AT}.on.${found}`, `${TOOL_VERDICTS}.on.${found}`]),
    ],
    '${place}.${weight} is what the nearest place says': [
      `${VERDICTS_AT}.roles.${any(PLACES)}.{breach,strong,hint}`,
      `${TOOL_VERDICTS}.roles.${any(PLACES)}.{breach,strong,hint}`,
    ],
    'mode, marks and programs are what the nearest place says': [
      `${VERDICTS_AT}.{mode,results.ui,results.spotlight,results.mark}`,
      `${TOOL_VERDICTS}.{mode,results.ui,results.spotlight,results.mark}`,
    ],
  },
  'e2e/inspected-results': {
    'loses what is marked and what is masked, and still fits its schema; the text beside it says the same': [
      `${TOOL_VERDICTS}.results.marked`,
    ],
    'does not come out, however it is encoded, and no record has it': ['inspection.results.canaries'],
  },
  'e2e/configured-rules': {
    '${key}: ${value} ${outcome}': [
      `${RULE}.role`,
      `${RULE}.sql.{dialect,statements,readOnly,tables,defaultSchema,columns.allow,columns.deny,star}`,
      `${RULE}.sql.{functions.allow,functions.deny,maxLimit,maxBytes}`,
      `${RULE}.shell.programs.NAME.{allowedFlags,deniedFlags,operands,runsOthers}`,
      `${RULE}.shell.{allow,variant,roots,directory,maxLength}`,
      `${RULE}.path.{style,form,roots,base,extensions,parents,maxLength}`,
      `${RULE}.url.{hosts,insideHosts,addresses,schemes,ports,credentials,maxLength}`,
      `${RULE}.host.{hosts,insideHosts,addresses,port}`,
    ],
  },
  'e2e/configured-classifier': {
    '${key} has its effect': [
      'inspection.results.classifier.{url,ca,token,timeoutMs,threshold,windowChars,overlapChars,maxWindows,verdict,onError,concurrency}',
    ],
  },
  'e2e/configured-masking': {
    '${place}: arguments and results are what it says, member by member': [
      `${MASKING_AT}.kinds.${any(SENSITIVE_KINDS)}`,
      `${MASKING_AT}.{secrets,personal,fields.NAME,paths.NAME}`,
    ],
    '${place}: as many digits are left as it says, in arguments and in results': [`${MASKING_AT}.keepLast`],
    'tokens stay tokens for all, and become what they stand for at the upstream that wants it': [
      `{,${UPSTREAM}.}masking.restore`,
    ],
  },
  'e2e/audit-payloads': {
    'an auditor reads what was kept of a call, and that is on record before it is shown': [
      `${UPSTREAM}.payloads.{arguments,results}`,
    ],
    'what is longer than its limit is cut, and says how long it was': [`${UPSTREAM}.payloads.maxBytes`],
    'of a tool that is excepted there are digests alone': [`${UPSTREAM}.payloads.tools.NAME.{arguments,results}`],
  },
}
