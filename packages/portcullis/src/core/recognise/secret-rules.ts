/**
 * Which strings are credentials, by the prefixes that vendors gave them so that they can be found.
 *
 * Facts of the formats are from the vendors' documentation, compared with the rule sets of gitleaks and secretlint (MIT) and
 * noseyparker (Apache-2.0); the patterns are our own. `strong` is what has a prefix of its own and is random behind it; `hint` is
 * what a context makes probable.
 */
import { CONTEXT_RULES } from './context-rules.ts'
import { entropy, hasCrc32, isJwt, isName, isPlaceholder } from './secret-checks.ts'
import type { SecretRule } from './secret-rule.ts'

const LEAST_ENTROPY = 3
const isRandom = (text: string): boolean => entropy(text) >= LEAST_ENTROPY && !isPlaceholder(text)
const isFair = (text: string): boolean => entropy(text) >= 2.5 && !isPlaceholder(text)

/** Of a form that only one vendor has, what is repeated or said to be none is left out, and what follows the alphabet is not. */
const isVaried = (text: string): boolean =>
  entropy(text) >= 2.5 && !/example|redacted|placeholder|dummy|x{5,}|\*{4,}|0{8,}|(.)\1{7,}/i.test(text)
const START = String.raw`(?<![A-Za-z0-9_])`
const END = String.raw`(?![A-Za-z0-9_-])`

/** A prefix and a number of characters of an alphabet. */
function token(reason: string, prefix: string, rest: string, signs: readonly string[], check = isVaried): SecretRule {
  return { reason, signs, pattern: new RegExp(`${START}${prefix}${rest}${END}`, 'g'), weight: 'strong', check }
}

const likely = (reason: string, signs: readonly string[], pattern: RegExp, check = isFair): SecretRule => ({
  reason,
  signs,
  pattern,
  weight: 'hint',
  check,
})

// biome-ignore format: one vendor a row
/** What has a form of its own, or says itself what it is. */
export const FORMS: readonly SecretRule[] = [
  { reason: 'private-key', signs: ['private key'], weight: 'strong', pattern: /-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){40,16384}(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g },
  { reason: 'age-key', signs: ['age-secret-key-1'], weight: 'strong', pattern: /AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/g },
  token('aws-access-key', '(?:AKIA|ASIA|ABIA|ACCA)', '[A-Z2-7]{16}', ['akia', 'asia', 'abia', 'acca']),
  token('aws-bedrock', 'ABSK', '[A-Za-z0-9+/]{109,269}={0,2}', ['absk']),
  token('aws-mws', 'amzn\\.mws\\.', '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', ['amzn.mws.']),
  token('github', 'gh[pousr]_', '(?:[A-Za-z0-9]{36}|[A-Za-z0-9]{76})', ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], (text) => hasCrc32(text) || isRandom(text)),
  token('github-fine', 'github_pat_', '[A-Za-z0-9]{22}_[A-Za-z0-9]{59}', ['github_pat_']),
  token('gitlab', 'gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|imt|agent|ffct|rtr)-', '[A-Za-z0-9_.-]{20,300}', ['glpat-', 'gloas-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glsoat-', 'glimt-', 'glagent-', 'glffct-', 'glrtr-']),
  token('npm', 'npm_', '[A-Za-z0-9]{36}', ['npm_'], (text) => hasCrc32(text) || isRandom(text)),
  token('pypi', 'pypi-', 'AgE[A-Za-z0-9_-]{50,1000}', ['pypi-age']),
  token('rubygems', 'rubygems_', '[0-9a-f]{48}', ['rubygems_']),
  token('crates-io', 'cio', '[A-Za-z0-9]{32}', ['cio']),
  token('nuget', 'oy2', '[a-z0-9]{43}', ['oy2']),
  token('docker-hub', 'dckr_(?:pat|oat)_', '[A-Za-z0-9_-]{27,40}', ['dckr_pat_', 'dckr_oat_']),
  token('slack', 'xox(?:[abeoprs]|e\\.xox[bp])-', '(?:[0-9A-Za-z]{1,20}-){1,4}[A-Za-z0-9]{16,200}', ['xoxa-', 'xoxb-', 'xoxe', 'xoxo-', 'xoxp-', 'xoxr-', 'xoxs-']),
  token('slack-app', 'xapp-', '\\d-[A-Z0-9]{8,14}-\\d{10,16}-[a-f0-9]{40,90}', ['xapp-']),
  { reason: 'slack-webhook', signs: ['hooks.slack.com'], weight: 'strong', pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Z0-9]{8,14}\/[A-Z0-9]{8,24}\/[A-Za-z0-9]{20,48}/g, check: isFair },
  { reason: 'teams-webhook', signs: ['webhook.office.com'], weight: 'strong', pattern: /[a-z0-9-]{1,60}\.webhook\.office\.com\/webhookb2\/[0-9a-f-]{36}@[0-9a-f-]{36}\/IncomingWebhook\/[0-9a-f]{32}\/[0-9a-f-]{36}/g },
  { reason: 'discord-webhook', signs: ['/api/webhooks/'], weight: 'strong', pattern: /discord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[A-Za-z0-9_-]{60,72}/g },
  token('stripe', '(?:sk|rk)_(?:live|test|prod)_', '[A-Za-z0-9]{16,250}', ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'rk_prod_', 'sk_prod_']),
  token('stripe-webhook', 'whsec_', '[A-Za-z0-9+/]{32,64}={0,2}', ['whsec_']),
  token('square', '(?:EAAA|sq0(?:atp|csp)-)', '(?:[A-Za-z0-9_-]{60}|[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{22})', ['eaaa', 'sq0']),
  token('shopify', 'shp(?:at|ca|pa|ss)_', '[A-Za-z0-9]{32,40}', ['shpat_', 'shpca_', 'shppa_', 'shpss_']),
  token('openai', 'sk-(?:proj|svcacct|admin|None)-', '[A-Za-z0-9_-]{20,200}', ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-none-']),
  token('openai', 'sk-', '[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}', ['t3blbkfj']),
  token('anthropic', 'sk-ant-(?:api|admin|oat|sid)\\d{2}-', '[A-Za-z0-9_-]{80,120}', ['sk-ant-']),
  token('google-api', 'AIza', '[A-Za-z0-9_-]{35}', ['aiza']),
  token('google-oauth', 'GOCSPX-', '[A-Za-z0-9_-]{28}', ['gocspx-']),
  token('google-access', 'ya29\\.', '[A-Za-z0-9_-]{30,1000}', ['ya29.']),
  token('google-refresh', '1//0', '[A-Za-z0-9_-]{40,100}', ['1//0']),
  token('hugging-face', '(?:hf|api_org)_', '[A-Za-z]{34}', ['hf_', 'api_org_']),
  token('groq', 'gsk_', '[A-Za-z0-9]{52}', ['gsk_']),
  token('replicate', 'r8_', '[A-Za-z0-9]{37}', ['r8_']),
  token('perplexity', 'pplx-', '[A-Za-z0-9]{48}', ['pplx-']),
  token('xai', 'xai-', '[A-Za-z0-9]{70,90}', ['xai-']),
  token('tavily', 'tvly-(?:dev-|prod-)?', '[A-Za-z0-9]{32}', ['tvly-']),
  token('firecrawl', 'fc-', '[0-9a-f]{32}', ['fc-']),
  token('jina', 'jina_', '[A-Za-z0-9_-]{60,80}', ['jina_']),
  token('sendgrid', 'SG\\.', '[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}', ['sg.']),
  token('mailgun', 'key-', '[0-9a-f]{32}', ['key-']),
  token('mailchimp', '', '[0-9a-f]{32}-us\\d{1,2}', ['-us']),
  token('twilio', 'SK', '[0-9a-f]{32}', ['sk']),
  token('telegram', '', '\\d{8,10}:AA[A-Za-z0-9_-]{33}', [':aa']),
  token('digitalocean', 'do[opr]_v1_', '[0-9a-f]{64}', ['doo_v1_', 'dop_v1_', 'dor_v1_']),
  token('cloudflare', '(?:v1\\.0-[0-9a-f]{24}-|cfut_|cfat_)', '[A-Za-z0-9]{40,200}', ['v1.0-', 'cfut_', 'cfat_']),
  token('databricks', 'dapi', '[0-9a-f]{32}(?:-\\d)?', ['dapi']),
  token('hashicorp-vault', 'hv[sbr]\\.', '[A-Za-z0-9_-]{24,300}', ['hvs.', 'hvb.', 'hvr.']),
  token('terraform', '', '[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_-]{60,70}', ['.atlasv1.']),
  token('doppler', 'dp\\.(?:pt|st|sa|ct|scim|audit)\\.', '(?:[a-z0-9_-]{2,35}\\.)?[A-Za-z0-9]{40,44}', ['dp.pt.', 'dp.st.', 'dp.sa.', 'dp.ct.', 'dp.scim.', 'dp.audit.']),
  token('grafana', 'gl(?:sa|c)_', '[A-Za-z0-9+/_=]{32,400}', ['glsa_', 'glc_']),
  token('new-relic', 'NR(?:AK|II|IQ|AL|SP|RA|AA|BR)-', '[A-Za-z0-9_-]{27,42}', ['nrak-', 'nrii-', 'nriq-', 'nral-', 'nrsp-', 'nrra-', 'nraa-', 'nrbr-']),
  token('sentry', 'sntr(?:ys|yu)_', '[A-Za-z0-9+/=_]{60,400}', ['sntrys_', 'sntryu_']),
  token('dynatrace', 'dt0[a-z]\\d{2}\\.', '[A-Z0-9]{24}\\.[A-Z0-9]{64}', ['dt0']),
  token('linear', 'lin_(?:api|oauth)_', '[A-Za-z0-9]{40,64}', ['lin_api_', 'lin_oauth_']),
  token('notion', '(?:ntn_|secret_)', '(?:\\d{11}[A-Za-z0-9]{35}|[A-Za-z0-9]{43})', ['ntn_', 'secret_']),
  token('figma', 'fig(?:d|o|oh|or|u)_', '[A-Za-z0-9_-]{38,60}', ['figd_', 'figo_', 'figoh_', 'figor_', 'figu_']),
  token('postman', 'PMAK-', '[0-9a-f]{24}-[0-9a-f]{34}', ['pmak-']),
  token('atlassian', 'ATATT3[A-Za-z0-9]', '[A-Za-z0-9_=-]{150,220}', ['atatt3']),
  token('adobe', 'p8e-', '[A-Za-z0-9]{32}', ['p8e-']),
  token('adafruit', 'aio_', '[A-Za-z0-9]{28}', ['aio_']),
  token('artifactory', 'AKCp', '[A-Za-z0-9]{60,75}', ['akcp']),
  token('sourcegraph', 'sg[pd]_', '(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}', ['sgp_', 'sgd_']),
  token('tailscale', 'tskey-(?:api|auth|client|scim|webhook|[a-z]{2,10})-', '[A-Za-z0-9]{8,30}-[A-Za-z0-9]{20,60}', ['tskey-']),
  token('1password', 'ops_', 'eyJ[A-Za-z0-9+/=_-]{200,2000}', ['ops_eyj']),
  token('vercel', 'vc[piark]_', '[A-Za-z0-9]{24,64}', ['vcp_', 'vci_', 'vca_', 'vcr_', 'vck_']),
  token('supabase', 'sb(?:p|_secret)_', '[A-Za-z0-9_-]{30,50}', ['sbp_', 'sb_secret_']),
  token('mapbox', '[st]k\\.', 'eyJ[A-Za-z0-9_-]{40,200}\\.[A-Za-z0-9_-]{20,30}', ['sk.eyj', 'tk.eyj']),
  token('facebook', 'EAA(?:CEdEose0cBA|[A-Z])', '[A-Za-z0-9]{80,400}', ['eaa']),
  token('dependency-track', 'odt_', '[A-Za-z0-9]{32,40}', ['odt_']),
  token('sonarqube', 'sq[apu]_', '[0-9a-f]{40}', ['sqa_', 'sqp_', 'squ_']),
  token('heroku', 'HRKU-', '(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Za-z0-9_-]{58,70})', ['hrku-']),
  token('okta', 'SSWS ', '00[A-Za-z0-9_-]{40}', ['ssws ']),
  // Vendors' pages: Twitch "Stream key", New Relic "API keys" (license key of 40 with NRAL), Salesforce "Session IDs", Azure DevOps "Use
  // personal access tokens" (84 characters, AZDO), Grafana "Legacy API keys", JetBrains TeamCity "Access tokens", ThingsBoard "HTTP device
  // API", Microsoft Teams "Incoming webhooks", Django "SECRET_KEY", Cisco "Password types 8 and 9", TrueNAS "API", Okta "API tokens", and
  // the hashes of Kerberos pre-authentication as RFC 4120 section 5 has them.
  token('twitch', 'live_', '\\d{6,12}_[A-Za-z0-9]{28,32}', ['live_']),
  token('new-relic', '', '(?:eu01xx)?[0-9a-f]{30,36}(?:FFFF)?NRAL', ['nral']),
  token('salesforce', '00D', '[A-Za-z0-9]{12,15}![A-Za-z0-9._]{80,120}', ['00d'], isVaried),
  token('azure-devops', '', '[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18}AZDO[A-Za-z0-9]{4}', ['jqqj99']),
  token('grafana', 'eyJrIjoi', '[A-Za-z0-9+/]{40,400}={0,2}', ['eyjrijoi']),
  token('teamcity', 'eyJ0eXAiOiAiVENWMiJ9\\.', '[A-Za-z0-9_-]{20,120}\\.[A-Za-z0-9_-]{20,120}', ['eyj0exaioiaivenwmij9']),
  token('thingsboard', 'thingsboard\\.cloud/api/v1/', '[a-z0-9]{20}', ['thingsboard']),
  { reason: 'teams-webhook', signs: ['outlook.office.com'], weight: 'strong', pattern: /outlook\.office\.com\/webhook\/[0-9a-f-]{36}(?:@|%40|%2540)[0-9a-f-]{36}\/IncomingWebhook\/[0-9a-f]{32}\/[0-9a-f-]{36}/g },
  { reason: 'django', signs: ['django-insecure-'], weight: 'hint', pattern: /django-insecure-[!#-&(-~]{40,60}/g },
  { reason: 'kerberos', signs: ['$krb5'], weight: 'hint', pattern: /\$krb5(?:asrep|tgs|pa)\$\d{1,2}\$[\w$*./@-]{40,4000}/g },
  { reason: 'password-hash', signs: ['$8$', '$9$'], weight: 'hint', pattern: /\$[89]\$[./A-Za-z0-9]{14}\$[./A-Za-z0-9]{43}/g },
  likely('truenas', ['login_with_api_key'], /login_with_api_key["'\s:,\w]{0,40}\[\s{0,4}["'](?<secret>\d{1,4}-[A-Za-z0-9]{64})/g),
  likely('okta', ['okta'], /okta[\w.\s"'=:{-]{0,80}?(?<secret>(?<![\w-])00[A-Za-z0-9_-]{40})(?![\w-])/gi, isVaried),
  { reason: 'password-hash', signs: ['$2', '$argon2', '$1$', '$5$', '$6$', '$y$'], weight: 'hint', pattern: /\$(?:2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}|argon2(?:id?|d)\$v=\d{1,3}\$[a-z0-9=,]{5,60}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,128}|[156]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{4,16}\$[./A-Za-z0-9]{22,86}|y\$[./A-Za-z0-9]{3,12}\$[./A-Za-z0-9]{8,86}\$[./A-Za-z0-9]{43})(?![./A-Za-z0-9])/g },
  { reason: 'wireguard', signs: ['privatekey', 'presharedkey'], weight: 'hint', pattern: /\b(?:PrivateKey|PresharedKey)\s{0,4}=\s{0,4}(?<secret>[A-Za-z0-9+/]{43}=)/g },
  { reason: 'jwt', signs: ['eyj'], weight: 'hint', pattern: /(?<![\w-])eyJ[A-Za-z0-9_-]{10,2048}\.eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,1024}/g, check: isJwt },
  likely('encoded-key', ['ls0tls1crudjti'], /LS0tLS1CRUdJTiB(?:QUklW|[SFPE])[A-Za-z0-9+/]{40,16000}={0,2}/g),
  likely('netrc', ['machine'], /\bmachine\s{1,4}\S{1,100}\s{1,4}login\s{1,4}\S{1,100}\s{1,4}password\s{1,4}(?<secret>\S{4,100})/gi),
  likely('basic-auth', ['basic'], /\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?basic\s{1,4}(?<secret>[A-Za-z0-9+/]{8,400}={0,2})/gi),
  likely('bearer', ['bearer'], /\bauthorization["']?\s{0,4}[:=]\s{0,4}["']?bearer\s{1,4}(?<secret>[\w.~+/-]{12,2000}={0,2})/gi),
  likely('aws-secret', ['aws'], /\baws.{0,20}(?:secret|key).{0,20}[:=]\s{0,4}["']?(?<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/gi),
  likely('azure-key', ['accountkey=', 'sharedaccesskey='], /(?:AccountKey|SharedAccessKey)=(?<secret>[A-Za-z0-9+/]{40,100}={0,2})/gi),
  likely('assignment', ['secret', 'token', 'password', 'passwd', 'api'], /\b[\w.-]{0,40}(?:api[_-]?key|secret(?:[_-]?(?:key|token))?|access[_-]?token|auth[_-]?token|client[_-]?secret|passw(?:or)?d|private[_-]?key)["']?\s{0,4}(?:[:=]|=>|:=)\s{0,4}["'](?<secret>[^\s"'<>${}]{12,200})["']/gi, (text) => isRandom(text) && !isName(text)),
]

/** The maintained table: forms first, then contexts. */
export const SECRET_RULES: readonly SecretRule[] = [...FORMS, ...CONTEXT_RULES]
