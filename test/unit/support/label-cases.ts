/**
 * What docker/metadata-action makes of labels and annotations that somebody has written: its own tests' inputs as facts,
 * written down anew, each once. Whatever the tags are, the labels of OCI stand beside these. A line is: rules ("default": its
 * default ones) | labels | annotations | what the labels give | what the annotations give | what launchway says to who writes this.
 */
const table = String.raw`
branch master:
  type=raw,value=mytag-{{branch}} ; type=raw,value=mytag-{{date 'YYYYMMDD'}} ; type=raw,value=mytag-{{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}} ; type=raw,value=mytag-src-{{commit_date 'YYYYMMDD'}} ; type=raw,value=mytag-tag-{{tag}} ; type=raw,value=mytag-baseref-{{base_ref}} ; type=raw,value=mytag-defbranch,enable={{is_default_branch}} | org.opencontainers.image.created={{commit_date 'YYYY-MM-DDTHH:mm:ss.SSS[Z]'}} | - | org.opencontainers.image.created=2020-01-10T00:30:00.000Z | -
branch dev:
  type=ref,event=branch ; type=raw,my ; type=raw,custom ; type=raw,tags | invalid ; foo= | - | foo= | - | labels: "invalid" is not key=value
  type=ref,event=branch ; type=raw,my ; type=raw,custom ; type=raw,tags | invalid | - | - | - | labels: "invalid" is not key=value
tag v1.1.1:
  type=ref,event=tag | maintainer=Jo ; org.opencontainers.image.description=this is a "good" example ; org.opencontainers.image.title=Own title ; org.opencontainers.image.vendor=Shop Ltd | maintainer=Mo ; org.opencontainers.image.description=this is a "bad" example ; org.opencontainers.image.title=Other title ; org.opencontainers.image.vendor=Other Ltd | maintainer=Jo ; org.opencontainers.image.description=this is a "good" example ; org.opencontainers.image.title=Own title ; org.opencontainers.image.vendor=Shop Ltd | maintainer=Mo ; org.opencontainers.image.description=this is a "bad" example ; org.opencontainers.image.title=Other title ; org.opencontainers.image.vendor=Other Ltd
  default | foo ; maintainer=Jo ; org.opencontainers.image.title=Own=title ; org.opencontainers.image.description=Another description ; org.opencontainers.image.vendor=Shop Ltd | - | maintainer=Jo ; org.opencontainers.image.title=Own=title ; org.opencontainers.image.description=Another description ; org.opencontainers.image.vendor=Shop Ltd | - | labels: "foo" is not key=value
  default | maintainer=Jo ; org.opencontainers.image.title=Own=title ; org.opencontainers.image.description=Another description ; org.opencontainers.image.vendor=Shop Ltd | - | maintainer=Jo ; org.opencontainers.image.title=Own=title ; org.opencontainers.image.description=Another description ; org.opencontainers.image.vendor=Shop Ltd | -
`

export interface LabelCase {
  on: string
  rules: string[]
  labels: string[]
  annotations: string[]
  /** What there is beside the labels of OCI, or in place of them. */
  gives: { labels: Record<string, string>; annotations: Record<string, string> }
  /** What launchway says to who writes this. */
  refused?: string
}

export function labelCases(): LabelCase[] {
  let on = ''
  return table.split('\n').flatMap((line) => {
    if (line === '') return []
    if (!line.startsWith(' ')) {
      on = line.slice(0, -1)
      return []
    }
    const [rules = '', labels = '', annotations = '', given = '', annotated = '', refused] = line.trim().split(' | ')
    const list = (text: string): string[] => (text === '-' || text === 'default' ? [] : text.split(' ; '))
    const pairs = (text: string): Record<string, string> =>
      Object.fromEntries(list(text).map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]))
    return {
      on,
      rules: list(rules),
      labels: list(labels),
      annotations: list(annotations),
      gives: { labels: pairs(given), annotations: pairs(annotated) },
      ...(refused === undefined ? {} : { refused }),
    }
  })
}
