/**
 * Which strings are credentials, by the prefixes that vendors gave them so that they can be found.
 *
 * Facts of the formats are from the vendors' documentation, compared with the rule sets of gitleaks and secretlint (MIT) and
 * noseyparker (Apache-2.0); the patterns are our own. `strong` is what has a prefix of its own and is random behind it; `hint` is
 * what a context makes probable.
 */
import { CODE_RULES } from './code-rules.ts'
import { COMMAND_RULES } from './command-rules.ts'
import { CONTEXT_RULES } from './context-rules.ts'
import { KEY_FORMS } from './key-forms.ts'
import { hasCrc32, isFair, isJwt, isRandom, isVaried } from './secret-checks.ts'
import { around, form, hint, type SecretRule, token } from './secret-rule.ts'
import { SERVICE_FORMS } from './service-forms.ts'

// biome-ignore format: one vendor a row
/** What has a form of its own, or says itself what it is. */
const VENDOR_FORMS: readonly SecretRule[] = [
  token('aws-access-key', '(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z2-7])', '[A-Z2-7]{16}', ['akia', 'asia', 'abia', 'acca', 'a3t']),
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
  { ...form('slack-webhook', ['hooks.slack.com'], /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Z0-9]{8,14}\/[A-Z0-9]{8,24}\/[A-Za-z0-9]{20,48}/g), check: isFair },
  token('stripe-webhook', 'whsec_', '[A-Za-z0-9+/]{32,64}={0,2}', ['whsec_']),
  // Stripe "API keys": 24 characters, of late 99 and more.
  token('stripe', '(?:sk|rk)_(?:live|test|prod)_', '[A-Za-z0-9]{24,250}', ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'rk_prod_', 'sk_prod_']),
  around('openai', 'sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}', ['t3blbkfj'], [23, 23]),
  around('mailchimp', '[0-9a-f]{32}-us\\d{1,2}', ['-us'], [32, 32]),
  // In addresses of its API `bot` stands right before it.
  { ...around('telegram', '', [':aa'], [8, 10]), pattern: /(?<![0-9])\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])/g },
  around('terraform', '[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_-]{60,70}', ['.atlasv1.'], [14, 14]),
  around('new-relic', '(?:eu01xx)?[0-9a-f]{30,36}(?:FFFF)?NRAL', ['nral'], [30, 46]),
  // Cloudflare "Create API token": the last eight characters of the newer ones are a checksum.
  token('cloudflare', 'cf[ua]t_', '[A-Za-z0-9]{40}[0-9a-f]{8}', ['cfut_', 'cfat_']),
  token('cloudflare', 'v1\\.0-[0-9a-f]{24}-', '[A-Za-z0-9]{40,200}', ['v1.0-']),
  form('teams-webhook', ['webhook.office.com'], /webhook\.office\.com\/webhookb2\/[0-9a-f-]{36}@[0-9a-f-]{36}\/IncomingWebhook\/[0-9a-f]{32}\/[0-9a-f-]{36}/g),
  form('discord-webhook', ['discord'], /discord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[A-Za-z0-9_-]{60,72}/g),
  token('square', '(?:EAAA|sq0(?:atp|csp)-)', '(?:[A-Za-z0-9_-]{60}|[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{22})', ['eaaa', 'sq0']),
  token('shopify', 'shp(?:at|ca|pa|ss)_', '[A-Za-z0-9]{32,40}', ['shpat_', 'shpca_', 'shppa_', 'shpss_']),
  token('openai', 'sk-(?:proj|svcacct|admin|None)-', '[A-Za-z0-9_-]{20,200}', ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-none-']),
  token('anthropic', 'sk-ant-(?:api|admin|oat|sid)\\d{2}-', '[A-Za-z0-9_-]{80,120}', ['sk-ant-']),
  token('google-api', 'AIza', '[A-Za-z0-9_-]{35}', ['aiza']),
  token('google-oauth', 'GOCSPX-', '[A-Za-z0-9_-]{28}', ['gocspx-']),
  token('google-access', 'ya29\\.', '[A-Za-z0-9_-]{30,1000}', ['ya29.']),
  token('google-refresh', '1//0', '[A-Za-z0-9_-]{40,100}', ['1//0']),
  token('hugging-face', '(?:hf|api_org)_', '[A-Za-z0-9]{34}', ['hf_', 'api_org_']),
  token('groq', 'gsk_', '[A-Za-z0-9]{52}', ['gsk_']),
  token('replicate', 'r8_', '[A-Za-z0-9]{37}', ['r8_']),
  token('perplexity', 'pplx-', '[A-Za-z0-9]{48}', ['pplx-']),
  token('xai', 'xai-', '[A-Za-z0-9]{70,90}', ['xai-']),
  token('tavily', 'tvly-(?:dev-|prod-)?', '[A-Za-z0-9]{32}', ['tvly-']),
  token('firecrawl', 'fc-', '[0-9a-f]{32}', ['fc-']),
  token('jina', 'jina_', '[A-Za-z0-9_-]{60,80}', ['jina_']),
  token('sendgrid', 'SG\\.', '[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}', ['sg.']),
  token('mailgun', 'key-', '[0-9a-f]{32}', ['key-']),
  { ...token('twilio', 'SK', '[0-9a-f]{32}', ['sk']), isUpper: true },
  token('digitalocean', 'do[opr]_v1_', '[0-9a-f]{64}', ['doo_v1_', 'dop_v1_', 'dor_v1_']),
  token('databricks', 'dapi', '[0-9a-f]{32}(?:-\\d)?', ['dapi']),
  token('hashicorp-vault', 'hv[sbr]\\.', '[A-Za-z0-9_-]{24,300}', ['hvs.', 'hvb.', 'hvr.']),
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
  token('salesforce', '00D', '[A-Za-z0-9]{12,15}![A-Za-z0-9._]{80,120}', ['00d']),
  token('grafana', 'eyJrIjoi', '[A-Za-z0-9+/]{40,400}={0,2}', ['eyjrijoi']),
  token('teamcity', 'eyJ0eXAiOiAiVENWMiJ9\\.', '[A-Za-z0-9_-]{20,120}\\.[A-Za-z0-9_-]{20,120}', ['eyj0exaioiaivenwmij9']),
  token('thingsboard', 'thingsboard\\.cloud/api/v1/', '[a-z0-9]{20}', ['thingsboard']),
  { reason: 'teams-webhook', signs: ['outlook.office.com'], weight: 'strong', pattern: /outlook\.office\.com\/webhook\/[0-9a-f-]{36}(?:@|%40|%2540)[0-9a-f-]{36}\/IncomingWebhook\/[0-9a-f]{32}\/[0-9a-f-]{36}/g },
  { reason: 'django', signs: ['django-insecure-'], weight: 'hint', pattern: /django-insecure-[!#-&(-~]{40,60}/g },
  hint('truenas', ['login_with_api_key'], /login_with_api_key["'\s:,\w]{0,40}\[\s{0,4}["'](?<secret>\d{1,4}-[A-Za-z0-9]{64})/g),
  hint('okta', ['okta'], /okta[\w.\s"'=:{-]{0,80}?(?<secret>(?<![\w-])00[A-Za-z0-9_-]{40})(?![\w-])/gi, isVaried),
  { reason: 'jwt', signs: ['eyj'], weight: 'hint', pattern: /(?<![\w-])eyJ[A-Za-z0-9_-]{10,2048}\.eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{10,1024}/g, check: isJwt },
  hint('aws-secret', ['aws'], /\baws.{0,20}(?:secret|key).{0,20}(?:=>|:=|[:=])\s{0,4}["']?(?<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/gi),
  hint('azure-key', ['accountkey=', 'sharedaccesskey='], /(?:AccountKey|SharedAccessKey)=(?<secret>[A-Za-z0-9+/]{40,100}={0,2})/gi),
]

/** The maintained table: what has a form of its own, wherever it stands, and then what stands in a context. */
export const SECRET_RULES: readonly SecretRule[] = [
  ...[...VENDOR_FORMS, ...SERVICE_FORMS, ...KEY_FORMS],
  ...[...CONTEXT_RULES, ...CODE_RULES, ...COMMAND_RULES],
]
