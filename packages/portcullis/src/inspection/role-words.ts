/** The words by which arguments are named, and what each of them usually means. Data, no decision. */
import type { Role } from './role.ts'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const table = (rows: Readonly<Partial<Record<Role, string>>>): ReadonlyMap<string, Role> =>
  new Map(Object.entries(rows).flatMap(([role, text]) => words(text).map((word) => [word, role as Role] as const)))

/** Whole names, without separators and in lower case: `apiKey`, `api_key` and `API-Key` are `apikey`. */
export const WHOLE_NAMES: ReadonlyMap<string, Role> = table({
  secret: `apikey accesskey accesstoken authtoken refreshtoken bearertoken privatekey secretkey clientsecret passphrase
    password passwd pwd token idtoken authorization encryptionkey signingkey connectionstring apitoken credential credentials`,
  identifier: `nextpagetoken pagetoken continuationtoken nexttoken synctoken cursor deltatoken tokensymbol tokenaddress tokenid
    zipcode postcode postalcode countrycode languagecode currencycode areacode statuscode langcode iatacode airportcode stockcode
    productcode couponcode promocode barcode colorcode hexcode code2 i18ncode fiscalcode branchname tablename columnname
    bucketname projectname databasename schemaname indexname queuename topicname containername imagename servicename
    username loginname filenameprefix tableid sortby orderby groupby sortorder sortfield timezone tz locale lang language
    phonenumber email emailaddress mailto phone username isbn issn doi sku uuid guid slug ticker symbol iban swift vin mimetype
    contenttype mediatype`,
  path: `filepath filename path file dir directory folder folderpath dirpath directorypath cwd workdir workingdirectory rootpath
    outputpath inputpath outputfile inputfile sourcefile targetfile destinationfile outputdir inputdir pathname basepath
    savepath logfile configfile filepathorurl localpath repopath oldpath newpath pathtofile imagepath`,
  url: `url uri href link webhook webhookurl callbackurl redirecturl redirecturi imageurl imageuri baseurl endpointurl siteurl
    pageurl videourl audiourl fileurl sourceurl targeturl weburl website websiteurl feedurl rssurl repourl apiurl apiendpoint
    permalink hyperlink avatarurl thumbnailurl downloadurl documenturl`,
  host: `host hostname domain domainname ip ipaddress ipaddr ipv4 ipv6 fqdn nameserver serverhost smtphost dbhost proxyhost
    subdomain hostnameorip hostorip serveraddress`,
  sql: `sql sqlquery sqlstatement sqltext rawsql querysql sqlcommand sqlcode selectstatement`,
  shell: `shellcommand bashcommand shellscript bashscript commandline cmdline bash shell terminalcommand powershellcommand`,
  html: `html htmlbody bodyhtml htmlcontent htmlcode rawhtml htmltext markup`,
  code: `code sourcecode codesnippet snippet script javascript js python pythoncode jscode css program regex regexp
    pattern glob globpattern yaml xml json jsonstring graphql graphqlquery cypher sparql template jinja diff patch
    functioncode codeblock stylesheet latex mermaid svg`,
  expression: `expression expr formula equation mathexpression mathexpr jsonpath jmespath jq xpath`,
  number: `amount price cost count quantity qty limit offset pagesize pagenumber perpage maxresults numresults latitude longitude
    lat lng lon radius width height depth weight age year port timeout budget salary percentage percent minprice maxprice`,
})

/** Last words of longer names: `customer_id` ends in `id`, `output_path` in `path`. */
export const LAST_WORDS: ReadonlyMap<string, Role> = table({
  secret: 'password passwd secret passphrase apikey',
  identifier: 'id ids uuid guid slug sku isbn email timezone locale hash sha checksum zipcode',
  path: 'path filepath filename directory folder dir',
  url: 'url uri href webhook urls uris',
  host: 'host hostname domain domains',
  sql: 'sql',
  html: 'html',
  code: 'regex regexp snippet',
  expression: 'expression',
  number: 'count amount quantity price qty latitude longitude percentage',
})

/** Names that mean a query or a command only to tools that speak of one. */
export const QUERY_NAMES: ReadonlySet<string> = new Set(words('query statement q queries statements where whereclause'))
export const COMMAND_NAMES: ReadonlySet<string> = new Set(words('command cmd commands script exec'))
export const CONTENT_NAMES: ReadonlySet<string> = new Set(words('source content input body text'))
/** Names that mean a file only to tools that speak of files. */
export const PLACE_NAMES: ReadonlySet<string> = new Set(
  words('source destination src dst dest target from to root files paths sources basename'),
)

/** What a tool that runs SQL says of itself. A search box is called `query` far more often than a statement is. */
export const SQL_TOOL =
  /\b(?:sql|sqlite|postgres(?:ql)?|mysql|mariadb|duckdb|bigquery|snowflake|redshift|clickhouse|mssql|oracle db|t-?sql|pl\/?sql|select (?:query|statement)|database query)\b/
/** What a tool that runs commands says of itself. */
export const SHELL_TOOL =
  /\b(?:shell|bash|zsh|terminal|command line|powershell|cmd\.exe|subprocess|system commands?|(?:linux|unix|os) commands?)\b/
export const HTML_TOOL = /\bhtml\b/
export const CODE_TOOL =
  /\b(?:code|snippet|interpreter|repl|javascript|python|typescript|jupyter|notebook cell|compile)\b/
export const FILE_TOOL = /\b(?:files?|director(?:y|ies)|folders?|filesystem|path)\b/

/** What an argument's own description says, where its name says nothing. Each must be plain about the value itself. */
// biome-ignore format: one role a row
export const DESCRIPTIONS: ReadonlyArray<readonly [Role, RegExp]> = [
  ['secret',     /^(?:the |your |an? )?(?:api[ -]?key|access token|auth(?:entication)? token|bearer token|password|secret)\b/],
  ['sql',        /^(?:the |an? )?(?:raw |valid |full |select |read-only )*sql (?:query|statement|command|select)|\bsql (?:query|statement) to (?:execute|run)\b/],
  ['shell',      /^(?:the |an? )?(?:shell|bash|terminal) (?:command|script)|\b(?:shell|bash) command to (?:execute|run)\b/],
  ['html',       /^(?:the |an? )?(?:raw |valid )?html\b/],
  ['path',       /^(?:the |an? )?(?:absolute |relative |full |local |optional )*(?:file ?)?path\b|^(?:the )?(?:full |absolute |relative )*path (?:of|to)\b|\bpath (?:of|to) the (?:file|directory|folder)\b|^(?:the )?(?:name|path) of the (?:file|directory|folder)\b/],
  ['url',        /^(?:the |an? |optional )*(?:full |valid |absolute |target |public )*(?:url|uri)\b/],
  ['host',       /^(?:the |an? )?(?:host ?name|domain(?: name)?|ip(?:v4|v6)? address)\b/],
  ['identifier', /^(?:the |an? )?(?:unique )?(?:id|identifier|uuid|iso[ -]?\d* code)\b/],
  ['expression', /^(?:the |an? )?(?:math(?:ematical)? )?(?:expression|formula|equation)\b/],
  ['code',       /^(?:the |an? )?(?:regular expression|regex|source code|glob pattern|python code|javascript code|code to (?:run|execute))\b/],
]

/** Formats of JSON Schema and of the tools that write schemas. */
export const FORMATS: ReadonlyMap<string, Role | undefined> = new Map<string, Role | undefined>([
  ...(['uri', 'url', 'iri', 'uri-reference', 'iri-reference', 'http-url', 'any-url'] as const).map(
    (name) => [name, 'url'] as const,
  ),
  ...(['hostname', 'idn-hostname', 'ipv4', 'ipv6', 'ip', 'ipvanyaddress'] as const).map(
    (name) => [name, 'host'] as const,
  ),
  ...(['uuid', 'email', 'idn-email', 'date', 'date-time', 'time', 'duration', 'json-pointer'] as const).map(
    (name) => [name, 'identifier'] as const,
  ),
  ...(['path', 'file-path', 'directory-path', 'filepath'] as const).map((name) => [name, 'path'] as const),
  ['password', 'secret'],
  ['regex', 'code'],
  ['html', 'html'],
  ['sql', 'sql'],
  ['decimal', 'number'],
])
