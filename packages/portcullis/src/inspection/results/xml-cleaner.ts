/**
 * Decides what of an XML document (XML 1.0) makes a reader load or run something, and takes it away: the document type with its
 * entities, instructions to load a sheet, and the names that turn elements into a page or a picture.
 */
import { decodeEntities } from '../views/entities.ts'

export interface CleanedXml {
  readonly text: string
  readonly active: readonly string[]
}

const DOCTYPE = /<!DOCTYPE\b[^[>]{0,4096}(?:\[[^\]]*(?:\]|$)[^>]{0,256})?(?:>|$)/gi
const STRAY = /<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)\b[^>]{0,4096}>?/gi
const INSTRUCTION = /<\?(?!xml\s+version)[a-z_][^?]{0,4096}(?:\?(?!>)[^?]{0,4096}){0,16}(?:\?>|$)/gi
const NAMESPACE = /\sxmlns(?::[\w.-]{1,64})?\s{0,64}=\s{0,64}(?:"([^"]{0,512})"|'([^']{0,512})')/gi
const ACTIVE_NAMESPACE =
  /w3\.org\/(?:1999\/(?:xhtml|xsl|xlink)|2000\/svg|2001\/(?:xinclude|xml-events)|1998\/math|2002\/(?:xforms|07\/wsdl)|tr\/(?:rec-html|xhtml))|schemas-microsoft-com|xul|urn:schemas/i
const INCLUDE = /<(?:[\w.-]{1,64}:)?include\b[^>]{0,2048}>?/gi

export function cleanXml(text: string): CleanedXml {
  const active = new Set<string>()
  const drop = (name: string) => () => {
    active.add(name)
    return ''
  }
  const cleaned = text
    .replace(DOCTYPE, drop('doctype'))
    .replace(STRAY, drop('entity'))
    .replace(INSTRUCTION, drop('instruction'))
    .replace(NAMESPACE, (whole, double?: string, single?: string) => {
      const name = decodeEntities(double ?? single ?? '')
      return ACTIVE_NAMESPACE.test(name) ? drop('namespace')() : whole
    })
    .replace(INCLUDE, (whole) => (/href|parse/i.test(whole) ? drop('include')() : whole))
  return { text: cleaned, active: [...active] }
}
