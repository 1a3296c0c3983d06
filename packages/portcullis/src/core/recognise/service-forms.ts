/**
 * Which strings are credentials of further services, by their prefixes.
 *
 * Facts from the pages of the vendors about their keys, compared with the rule set of gitleaks (MIT); those of Azure from Microsoft's
 * "Identifiable keys" (64 or 39 bytes of base64 or base62 with a signature and a checksum at their end).
 */
import { isDense } from './secret-checks.ts'
import { around, form, hint, type SecretRule, token } from './secret-rule.ts'

const HEX = Array.from('0123456789abcdef')
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
/** Services whose keys are UUIDs and nothing else, so that only their name tells. */
const OF_UUIDS = 'postmark heroku snyk sauce scaleway scw_secret bitrise px-api px-dep mailjet jumpcloud'.split(' ')

// biome-ignore format: one vendor a row
export const SERVICE_FORMS: readonly SecretRule[] = [
  // clouds
  token('aws-appsync', 'da2-', '[a-z0-9]{26}', ['da2-']),
  token('alibaba', 'LTAI', '[A-Za-z0-9]{16,24}', ['ltai']),
  token('tencent', 'AKID', '[A-Za-z0-9]{32}', ['akid']),
  token('yandex', '(?:AQVN|YCAJE|YCM)', '[A-Za-z0-9_-]{20,40}', ['aqvn', 'ycaje', 'ycm']),
  around('azure', '[A-Za-z0-9]{52}JQQJ9[9D][A-Za-z0-9]{26}', ['jqqj99', 'jqqj9d'], [52, 52]),
  around('azure-storage', '[A-Za-z0-9+/]{76}\\+ASt[A-Za-z0-9+/]{5}[AQgw]==', ['+ast'], [76, 76]),
  around('azure-cosmos', '[A-Za-z0-9+/]{76}ACDb[A-Za-z0-9+/]{5}[AQgw]==', ['acdb'], [76, 76]),
  around('azure-bus', '[A-Za-z0-9+/]{33}\\+(?:ASb|AEh|ARm)[A-P][A-Za-z0-9+/]{5}=', ['+asb', '+aeh', '+arm'], [33, 33]),
  around('azure-search', '[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}', ['azse'], [42, 42]),
  around('azure-functions', '[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{5}[AQgw]==', ['azfu'], [44, 44]),
  { ...around('azure-client-secret', '[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}', ['q~'], [4, 4]), check: isDense },
  token('flyio', '(?:fo1_|fm1[ar]_|fm2_)', '[A-Za-z0-9+/_=-]{40,600}', ['fo1_', 'fm1a_', 'fm1r_', 'fm2_']),
  token('netlify', 'nfp_', '[A-Za-z0-9]{36}', ['nfp_']),
  token('render', 'rnd_', '[A-Za-z0-9]{28,40}', ['rnd_']),
  token('planetscale', 'pscale_(?:tkn|pw|oauth)_', '[A-Za-z0-9=._-]{32,64}', ['pscale_']),
  token('pulumi', 'pul-', '[0-9a-f]{40}', ['pul-']),
  token('upcloud', 'ucat_', '[A-Z0-9]{26}', ['ucat_']),
  // building and shipping
  token('bitbucket', 'ATBB', '[A-Za-z0-9]{32}', ['atbb']),
  token('atlassian', 'ATCTT3xFf', '[A-Za-z0-9_=-]{150,220}', ['atctt3xff']),
  token('buildkite', 'bk(?:ua|at|aj)_', '[A-Za-z0-9]{40}', ['bkua_', 'bkat_', 'bkaj_']),
  token('circleci', 'CCI(?:PAT|PRJ)_', '[A-Za-z0-9]{22}_[0-9a-f]{40}', ['ccipat_', 'cciprj_']),
  token('clojars', 'CLOJARS_', '[0-9a-z]{60}', ['clojars_']),
  token('artifactory', 'cmVmdGtuO', '[A-Za-z0-9+/=]{50,200}', ['cmvmdgtuo']),
  token('packagist', 'packagist_(?:ou?t|uu?t|ors|ort|[a-z]{2,4})_', '[0-9a-f]{68}', ['packagist_']),
  token('harness', '(?:pat|sat)\\.', '[A-Za-z0-9_-]{22}\\.[0-9a-f]{24}\\.[A-Za-z0-9]{20}', ['pat.', 'sat.']),
  token('prefect', 'pn[ub]_', '[a-zA-Z0-9]{36}', ['pnu_', 'pnb_']),
  token('infracost', 'ico-', '[A-Za-z0-9]{32}', ['ico-']),
  token('readme', 'rdme_', '[a-z0-9]{70}', ['rdme_']),
  token('stackhawk', 'hawk\\.', '[A-Za-z0-9_-]{20}\\.[A-Za-z0-9_-]{20}', ['hawk.']),
  token('gitlab', '(?:GR1348941|glcbt-[0-9a-zA-Z]{1,5}_)', '[A-Za-z0-9_-]{20}', ['gr1348941', 'glcbt-']),
  // models and data
  token('openrouter', 'sk-or-v1-', '[0-9a-f]{64}', ['sk-or-v1-']),
  token('deepseek', 'sk-', '[0-9a-f]{32}', ['sk-']),
  token('langsmith', 'lsv2_(?:pt|sk)_', '[0-9a-f]{32}_[0-9a-f]{10}', ['lsv2_']),
  token('langfuse', 'sk-lf-', UUID, ['sk-lf-']),
  token('pinecone', 'pcsk_', '[A-Za-z0-9_]{60,90}', ['pcsk_']),
  token('nvidia', 'nvapi-', '[A-Za-z0-9_-]{60,70}', ['nvapi-']),
  token('elevenlabs', 'sk_', '[0-9a-f]{48}', ['sk_']),
  token('cerebras', 'csk-', '[a-z0-9]{48}', ['csk-']),
  token('fireworks', 'fw_', '[A-Za-z0-9]{24}', ['fw_']),
  token('apify', 'apify_(?:api|proxy)_', '[A-Za-z0-9]{34,40}', ['apify_']),
  token('wandb', 'wandb_v1_', '[A-Za-z0-9_]{60,90}', ['wandb_v1_']),
  hint('wandb', ['wandb'], /wandb[\w.\s"'=:/{-]{0,40}?(?<secret>(?<![0-9a-f])[0-9a-f]{40})(?![0-9a-f])/gi),
  token('airtable', 'pat', '[A-Za-z0-9]{14}\\.[0-9a-f]{64}', ['pat']),
  // people and messages
  token('clickup', 'pk_', '\\d{6,9}_[A-Z0-9]{32}', ['pk_']),
  token('hubspot', 'pat-(?:na|eu|ap)\\d-', UUID, ['pat-']),
  token('typeform', 'tfp_', '[A-Za-z0-9._=-]{44,64}', ['tfp_']),
  token('contentful', 'CFPAT-', '[A-Za-z0-9_-]{43}', ['cfpat-']),
  token('brevo', 'xkeysib-', '[0-9a-f]{64}-[A-Za-z0-9]{16}', ['xkeysib-']),
  token('resend', 're_', '[A-Za-z0-9]{8}_[A-Za-z0-9]{24}', ['re_']),
  token('sinch', 'xsmtpsib-', '[0-9a-f]{64}-[A-Za-z0-9]{16}', ['xsmtpsib-']),
  around('mailgun', '[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}', HEX.map((digit) => `-${digit}`), [32, 32]),
  token('firebase', 'AAAA', '[A-Za-z0-9_-]{7}:[A-Za-z0-9_-]{140}', ['aaaa']),
  { ...token('discord', '(?:M[Tjz]|N[DTjz]|O[DT])', '[A-Za-z0-9_-]{22,26}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,38}', ['mt', 'mj', 'mz', 'nd', 'nt', 'nj', 'nz', 'od', 'ot']), isUpper: true, check: isDense },
  form('zapier-webhook', ['hooks.zapier.com'], /hooks\.zapier\.com\/hooks\/catch\/\d{4,12}\/[A-Za-z0-9]{5,20}/g),
  form('ifttt-webhook', ['maker.ifttt.com'], /maker\.ifttt\.com\/trigger\/[\w-]{1,80}\/with\/key\/[\w-]{15,60}/g),
  // money and parcels
  token('plaid', 'access-(?:sandbox|development|production)-', UUID, ['access-sandbox-', 'access-development-', 'access-production-']),
  token('braintree', 'access_token\\$(?:production|sandbox)\\$', '[0-9a-z]{16}\\$[0-9a-f]{32}', ['access_token$']),
  token('flutterwave', 'FLWSECK(?:_TEST)?-', '[A-Za-z0-9]{12,40}(?:-X)?', ['flwseck']),
  token('easypost', 'EZ[AT]K', '[A-Za-z0-9]{54}', ['ezak', 'eztk']),
  token('shippo', 'shippo_(?:live|test)_', '[0-9a-f]{40}', ['shippo_']),
  token('duffel', 'duffel_(?:live|test)_', '[A-Za-z0-9_=-]{43}', ['duffel_']),
  token('lob', '(?:live|test)_', '[0-9a-f]{35}', ['live_', 'test_']),
  token('mollie', '(?:live|test)_', '[A-Za-z0-9]{30}', ['live_', 'test_'], isDense),
  token('frameio', 'fio-u-', '[A-Za-z0-9_=-]{64}', ['fio-u-']),
  // others
  token('new-relic', 'NR(?:BR|JS)-', '[0-9a-f]{19}', ['nrbr-', 'nrjs-']),
  form('thingsboard', ['/api/v1/'], /\/api\/v1\/(?<secret>[A-Za-z0-9]{20})\/(?:telemetry|attributes|rpc|claim|firmware)/g),
  { ...around('dropbox', '[A-Za-z0-9]{11}A{10}[A-Za-z0-9_=-]{43}', ['aaaaaaaaaa'], [11, 11]), check: isDense },
  hint('azure-devops', ['azure', 'vsts', 'visualstudio', 'devops', 'pat', 'personal'], /(?:azure|vsts|visualstudio|devops|\bpat\b|personal[_ -]?access)[^\n]{0,80}?(?<secret>(?<![a-z0-9])[a-z2-7]{52})(?![a-z0-9])/gi),
  hint('jenkins', ['password to proceed'], /password to proceed to installation:\s{0,60}(?<secret>[0-9a-f]{32})/gi),
  token('dropbox', 'sl\\.(?:u\\.)?', '[A-Za-z0-9_-]{100,1400}', ['sl.']),
  token('salesforce', '5Aep861', '[A-Za-z0-9._=]{60,120}', ['5aep861']),
  token('1password', 'A3-', '[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}', ['a3-']),
  token('segment', 'sgp_', '[A-Za-z0-9]{64}', ['sgp_']),
  { ...token('hashicorp-vault', '[sbr]\\.', '[A-Za-z0-9]{24,26}', ['s.', 'b.', 'r.'], isDense), weight: 'hint' },
  hint('uuid-key', OF_UUIDS, new RegExp(String.raw`(?:${OF_UUIDS.join('|')})[\w.\s"'=:>{-]{0,40}?(?<secret>(?<![0-9a-f])${UUID})(?![0-9a-f])`, 'gi')),
  hint('codeclimate', ['cc_test_reporter_id', 'codeclimate'], /(?:CC_TEST_REPORTER_ID|codeclimate\w{0,20})["']?\s{0,3}[:=]\s{0,3}["']?(?<secret>[0-9a-f]{64})/gi),
  hint('sentry-dsn', ['://'], /:\/\/(?<secret>[0-9a-f]{32}:[0-9a-f]{32})@[\w.-]{1,40}sentry/g),
  form('kube-bootstrap', ['bootstrap', '--token'], /(?:bootstrap[\w-]{0,20}|--token)["'\s:=]{1,4}(?<secret>[a-z0-9]{6}\.[a-z0-9]{16})(?![\w.])/g, 'hint'),
]
