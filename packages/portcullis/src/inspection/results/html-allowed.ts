/** Decides which elements and attributes of HTML and SVG stay: those that show something and neither run, load, send nor cover anything. */

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

/** Text, lists, tables, and what groups them. */
export const HTML_ELEMENTS: readonly string[] = words(`
  a abbr address article aside b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em
  figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section
  small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr`)

export const HTML_ATTRIBUTES: Readonly<Record<string, string[]>> = {
  a: ['href', 'title'],
  img: ['src', 'alt', 'title', 'width', 'height'],
  ol: ['start', 'type', 'reversed'],
  li: ['value'],
  td: ['colspan', 'rowspan', 'align', 'headers'],
  th: ['colspan', 'rowspan', 'align', 'scope', 'headers'],
  col: ['span'],
  colgroup: ['span'],
  time: ['datetime'],
  details: ['open'],
  '*': ['dir', 'lang'],
}

/** Taken away without a word: a page has them, a text does not need them, and they show and fetch nothing. */
export const DULL_ELEMENTS: ReadonlySet<string> = new Set(
  words('html head body title font label big nobr acronym dir menu search data'),
)
export const DULL_ATTRIBUTES =
  /^(?:class|id|role|tabindex|aria-[a-z]+|data-[a-z0-9-]+|itemprop|itemscope|itemtype|lang|dir|width|height|align|valign|border|cellpadding|cellspacing|bgcolor|color|face|size|target|rel|name|charset|loading|decoding|style|title|hidden|translate|scope|summary|xmlns|alt|datetime|cite|compact|nowrap|for|property|typeof|about|version)$/

/** Pictures that are there already, and are no programs. */
export const SMALL_IMAGE: RegExp = /^data:image\/(?:png|jpe?g|gif|webp|avif|bmp);base64,[A-Za-z0-9+/=\s]*$/i
/** What a style can do beyond looks. */
export const ACTIVE_STYLE: RegExp =
  /url\s*\(|image-set|expression|@import|behaviou?r|binding|\\|&|position\s*:\s*(?:fixed|absolute|sticky)/i

/** Shapes, text and gradients. Nothing that refers to anything else but by `url(#id)`, and nothing that changes later. */
export const SVG_ELEMENTS: readonly string[] = words(`
  svg g defs title desc path rect circle ellipse line polyline polygon text tspan linearGradient radialGradient stop clipPath mask
  marker pattern symbol`)

export const SVG_ATTRIBUTES: readonly string[] = words(`
  xmlns version viewBox preserveAspectRatio width height x y x1 y1 x2 y2 cx cy r rx ry fx fy d points transform
  gradientTransform gradientUnits patternUnits patternTransform patternContentUnits spreadMethod offset stop-color stop-opacity fill fill-opacity fill-rule stroke
  stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-dasharray stroke-dashoffset stroke-miterlimit opacity
  clip-path clip-rule mask clipPathUnits maskUnits maskContentUnits marker-start marker-mid marker-end markerWidth markerHeight refX refY orient
  font-family font-size font-weight font-style text-anchor dominant-baseline letter-spacing dx dy id class role aria-label
  color display visibility xml:space vector-effect shape-rendering pathLength`)

/** Of an attribute of SVG: no address, no function but those that compute a shape, and a reference into the same picture only. */
export const SVG_VALUE =
  /^(?!.*(?:javascript|data:|expression|&|\\|@|\/\/))(?:[^()]|\((?:[\d\s.,eE%+-]*)\)|url\(#[\w.-]+\))*$/is
/** The two namespaces that a picture names. */
export const SVG_NAMESPACE = 'http://www.w3.org/2000/svg'
