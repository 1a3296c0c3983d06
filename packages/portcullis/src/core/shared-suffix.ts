/**
 * Names below which anyone can have a name of their own, for money or for nothing: a rule for all names below one of them
 * would allow hosts of everyone. No list of these is complete; this one holds registries of countries by their pattern,
 * and the hosting services, tunnels and wildcard resolvers that are best known, from what each says of itself.
 */

/** `co.uk`, `com.au`, `or.jp` …: second levels that registries of countries sell below. */
const REGISTRY = /^(?:ac|co|com|edu|gob|gouv|gov|mil|ne|net|nom|or|org|sch)\.[a-z]{2}$/

const HOSTED = new Set([
  ...[
    'me.uk',
    'ltd.uk',
    'plc.uk',
    'nhs.uk',
    'id.au',
    'asn.au',
    'go.jp',
    'go.kr',
    're.kr',
    'go.th',
    'go.id',
    'web.id',
    'my.id',
  ],
  ...['github.io', 'githubusercontent.com', 'gitlab.io', 'bitbucket.io', 'pages.dev', 'workers.dev', 'r2.dev'],
  ...[
    'vercel.app',
    'now.sh',
    'netlify.app',
    'netlify.com',
    'surge.sh',
    'glitch.me',
    'fly.dev',
    'onrender.com',
    'deno.dev',
  ],
  ...['herokuapp.com', 'herokudns.com', 'railway.app', 'up.railway.app', 'repl.co', 'replit.app', 'replit.dev'],
  ...['supabase.co', 'firebaseapp.com', 'firebaseio.com', 'web.app', 'appspot.com', 'run.app', 'a.run.app'],
  ...['cloudfunctions.net', 'googleusercontent.com', 'amazonaws.com', 's3.amazonaws.com', 'cloudfront.net', 'on.aws'],
  ...[
    'awsapprunner.com',
    'elasticbeanstalk.com',
    'amplifyapp.com',
    'azurewebsites.net',
    'azureedge.net',
    'azurefd.net',
  ],
  ...['azurestaticapps.net', 'blob.core.windows.net', 'core.windows.net', 'cloudapp.net', 'cloudapp.azure.com'],
  ...[
    'digitaloceanspaces.com',
    'ondigitalocean.app',
    'fastly.net',
    'edgekey.net',
    'b-cdn.net',
    'hf.space',
    'streamlit.app',
  ],
  ...['ngrok.io', 'ngrok.app', 'ngrok-free.app', 'ngrok.dev', 'trycloudflare.com', 'loca.lt', 'serveo.net', 'ts.net'],
  ...['nip.io', 'sslip.io', 'xip.io', 'localtest.me', 'lvh.me', 'duckdns.org', 'no-ip.org', 'ddns.net', 'dyndns.org'],
  ...['blogspot.com', 'wordpress.com', 'wixsite.com', 'webflow.io', 'myshopify.com', 'readthedocs.io', 'gitbook.io'],
  ...['oast.fun', 'oast.live', 'oast.me', 'oast.online', 'oast.pro', 'oast.site', 'interact.sh', 'oastify.com'],
  ...['burpcollaborator.net', 'requestbin.net', 'pipedream.net', 'webhook.site', 'beeceptor.com'],
])

/** Whether `name`, in lower case, is one of them. */
export function isSharedSuffix(name: string): boolean {
  return REGISTRY.test(name) || HOSTED.has(name)
}
