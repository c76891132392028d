/**
 * What docker/metadata-action gives, by event: its own tests' inputs and tags as facts, written down anew, each once, with a
 * commit and a pull request of ours. A line is: rules ("default": its default ones) | flavor | tags | what is otherwise here.
 */
const table = String.raw`
nothing:
  default | - | -
  type=sha ; type=raw,{{branch}} | - | -
branch dev:
  default | - | dev
  type=ref,event=branch ; type=sha | - | dev sha-4f2a9c1
  type=edge,branch=dev ; type=sha | - | edge sha-4f2a9c1
  type=ref,event=branch ; type=sha,format=long | - | dev sha-4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234
  type=edge,branch=master ; type=ref,event=branch,enable=false ; type=sha,format=long ; type=raw,value=defbranch,enable={{is_default_branch}} | - | sha-4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234
  type=edge,branch=master ; type=ref,event=branch,enable=false ; type=sha,format=long | - | sha-4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234
  type=edge,branch=master ; type=sha,format=long ; type=raw,value=notdefbranch,enable={{is_not_default_branch}} | - | notdefbranch sha-4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234
  type=ref,event=branch ; type=raw,my ; type=raw,custom ; type=raw,tags | - | dev my custom tags
  type=ref,event=branch ; type=raw,my | - | dev my
  type=ref,priority=90,event=branch ; type=raw,my ; type=raw,custom ; type=raw,tags | latest=true | my custom tags dev latest
  type=match,pattern=\d{8} ; type=raw,my ; type=raw,custom ; type=raw,tags | latest=false | my custom tags
  type=match,pattern=\d{8} ; type=raw,my,prefix=foo-,suffix=-bar ; type=raw,custom ; type=raw,tags | latest=false ; prefix=glo- ; suffix=-bal | foo-my-bar glo-custom-bal glo-tags-bal
  type=raw,foo ; type=raw,bar,enable=false ; type=raw,baz,enable=true | latest=false | foo baz
branch master:
  type=edge | - | edge
  default | - | master
  type=edge ; type=sha | - | edge sha-4f2a9c1
  type=edge,branch=dev ; type=sha | - | sha-4f2a9c1
  type=ref,priority=2000,event=branch ; type=edge | - | master edge
  type=semver,pattern={{version}},value=v1.2.3 ; type=pep440,pattern={{version}},value=v1.2.3 ; type=edge | - | 1.2.3 edge latest
  type=match,pattern=v(.*),group=1,value=v1.2.3 ; type=edge | - | 1.2.3 edge latest
  type=match,enable=false,pattern=v(.*),group=1,value=v1.2.3 ; type=edge | - | edge
  type=raw,value=mytag-{{branch}} ; type=raw,value=mytag-{{date 'YYYYMMDD'}} ; type=raw,value=mytag-cd-{{commit_date 'YYYYMMDD'}} ; type=raw,value=mytag-{{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}} ; type=raw,value=mytag-tag-{{tag}} ; type=raw,value=mytag-baseref-{{base_ref}} ; type=raw,value=mytag-defbranch,enable={{is_default_branch}} | - | mytag-master mytag-20200110 mytag-cd-20200110 mytag-20200110-093000 mytag-tag- mytag-baseref- mytag-defbranch
  type=raw,value=mytag-{{branch}} ; type=raw,value=mytag-{{date 'YYYYMMDD'}} ; type=raw,value=mytag-{{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}} ; type=raw,value=mytag-src-{{commit_date 'YYYYMMDD'}} ; type=raw,value=mytag-tag-{{tag}} ; type=raw,value=mytag-baseref-{{base_ref}} ; type=raw,value=mytag-defbranch,enable={{is_default_branch}} | - | mytag-master mytag-20200110 mytag-20200110-093000 mytag-src-20200110 mytag-tag- mytag-baseref- mytag-defbranch
  type=semver,pattern={{version}},value=p1/v1.2.3,"match=v(\d.\d.\d)$" ; type=pep440,pattern={{version}},value=p1/v1.2.3,"match=v(\d.\d.\d)$" ; type=edge | - | 1.2.3 edge latest
button master:
  type=edge | - | edge
branch my/feature:
  type=edge ; type=sha | - | sha-4f2a9c1
  type=semver,pattern={{version}} ; type=pep440,pattern={{version}} ; type=edge | - | -
tag release1:
  default | - | release1 latest
  type=match,"pattern=^release\d{1,2}" | - | release1 latest
  type=ref,event=tag ; type=raw,my ; type=raw,custom ; type=raw,tags | - | release1 my custom tags latest
tag 20200110-RC2:
  default | - | 20200110-RC2 latest
  type=match,pattern=\d{8} | latest=false | 20200110
  type=match,pattern=(.*)-RC,group=1 | latest=false | 20200110
  type=match,"pattern=^\d+-RC\d{1,2}" | - | 20200110-RC2 latest
  type=match,pattern=\d{8} | - | 20200110 latest
  type=match,pattern=\d{8} ; type=raw,my ; type=raw,custom ; type=raw,tags | latest=false | 20200110 my custom tags
tag v1.1.1:
  type=match,"pattern=\d.\d.\d" | - | 1.1.1 latest
  type=match,"pattern=^v(\d.\d.\d)$",group=1 | - | 1.1.1 latest
  type=semver,pattern={{version}} ; type=semver,pattern={{major}}.{{minor}} ; type=semver,pattern={{major}} | - | 1.1.1 1.1 1 latest
  type=semver,pattern={{version}} ; type=semver,pattern={{major}}.{{minor}}.{{patch}} | - | 1.1.1 latest
  type=raw,priority=2000,foo ; type=ref,event=tag ; type=edge | - | foo v1.1.1
  type=raw,{{tag}}-{{sha}}-foo ; type=raw,{{base_ref}}-foo ; type=raw,defbranch-foo,enable={{is_default_branch}} | - | v1.1.1-4f2a9c1-foo master-foo
  type=semver,pattern={{version}} ; type=semver,pattern={{major}}.{{minor}}.{{patch}} | suffix=-dev,onlatest=true | 1.1.1-dev latest-dev
  type=semver,pattern={{version}} ; type=semver,pattern={{major}}.{{minor}}.{{patch}} | prefix=foo-,onlatest=true ; suffix=-dev,onlatest=true | foo-1.1.1-dev foo-latest-dev
  type=pep440,pattern={{raw}} ; type=pep440,pattern={{major}}.{{minor}} | - | v1.1.1 1.1 latest
  type=pep440,pattern={{version}} ; type=pep440,pattern={{major}}.{{minor}}.{{patch}} ; type=pep440,pattern={{major}}.{{minor}} ; type=pep440,pattern={{major}} | - | 1.1.1 1.1 1 latest
  default | - | v1.1.1 latest
  type=ref,event=tag | latest=false | v1.1.1
  type=semver,pattern={{version}} ; type=semver,pattern={{major}}.{{minor}} ; type=semver,pattern={{major}} ; type=raw,my ; type=raw,custom ; type=raw,tags | - | 1.1.1 1.1 1 my custom tags latest
  type=raw,my ; type=raw,custom ; type=raw,tags | - | my custom tags
tag v2.0.8-beta.67:
  type=match,"pattern=\d.\d.\d-(alpha|beta).\d+" | - | 2.0.8-beta.67 latest
  type=match,"pattern=\d.\d" | - | 2.0 latest
  type=match,"pattern=v(.*)-beta.(.*)",group=1 ; type=match,"pattern=v(.*)-beta.(.*)",group=2 | - | 2.0.8 67 latest
  type=semver,pattern={{major}}.{{minor}} ; type=semver,pattern={{major}} | - | 2.0.8-beta.67
  type=raw,priority=2000,foo ; type=semver,pattern={{version}} ; type=match,"pattern=\d.\d" | - | foo 2.0.8-beta.67 2.0
  type=semver,pattern={{raw}} | - | v2.0.8-beta.67
  type=match,"pattern=\d.\d.\d" | - | 2.0.8 latest
tag sometag:
  type=match,"pattern=\d.\d" | - | -
  type=ref,event=tag ; type=semver,pattern={{version}} ; type=semver,pattern={{major}}.{{minor}} ; type=semver,pattern={{major}} | latest=false | sometag
  type=ref,event=tag ; type=pep440,pattern={{version}} ; type=pep440,pattern={{major}}.{{minor}} ; type=pep440,pattern={{major}} | latest=false | sometag
tag p1/v1.0.0:
  type=match,"pattern=/^v(\d.\d.\d)$/ig",group=1 ; type=match,pattern=\d.\d.\d ; type=match,pattern=\d.\d ; type=ref,event=pr ; type=sha | - | 1.0.0 1.0 sha-4f2a9c1 latest
  type=match,pattern=p1/v(\d.\d.\d),group=1 ; type=match,pattern=p1/v(\d.\d),group=1 ; type=match,pattern=p1/v(\d.\d),group=3 ; type=ref,event=pr ; type=sha | - | 1.0.0 1.0 sha-4f2a9c1 latest | refused: group is 0 (the whole) to 1
  type=match,pattern=p1/v(\d.\d.\d),group=1 ; type=match,pattern=p1/v(\d.\d),group=1,suffix= ; type=ref,event=pr ; type=sha | suffix=-dev | 1.0.0-dev 1.0 sha-4f2a9c1-dev latest
  type=semver,pattern={{version}},"match=v(\d.\d.\d)$" | - | 1.0.0 latest
tag 1.2:
  type=pep440,pattern={{version}} ; type=pep440,pattern={{major}}.{{minor}} | - | 1.2 latest
tag 1.1beta2:
  type=pep440,pattern={{major}}.{{minor}} ; type=pep440,pattern={{major}} | - | 1.1b2
tag 1.0dev4:
  type=pep440,pattern={{major}}.{{minor}} ; type=pep440,pattern={{major}} | - | 1.0.dev4
tag 1.2.3rc2:
  type=pep440,pattern={{raw}} ; type=pep440,pattern={{version}} ; type=pep440,pattern={{major}}.{{minor}} ; type=pep440,pattern={{major}} | - | 1.2.3rc2
tag 1.2post1:
  type=pep440,pattern={{version}} ; type=pep440,pattern={{major}}.{{minor}} ; type=pep440,pattern={{major}} | - | 1.2.post1
tag v1.2.3rc2:
  type=pep440,pattern={{raw}} ; type=pep440,pattern={{major}}.{{minor}} | - | v1.2.3rc2 1.2.3rc2
pull_request:
  default | - | pr-15
  type=ref,event=pr ; type=sha | - | pr-15 sha-4f2a9c1 | ours: pr-15 sha-b7d03e5
  type=sha,priority=2000 ; type=ref,event=pr | - | sha-4f2a9c1 pr-15 | ours: sha-b7d03e5 pr-15
  type=ref,event=pr | prefix=glo- ; suffix=-bal | pr-15-bal
  type=ref,event=pr,prefix= | prefix=glo- ; suffix=-bal | 15-bal
  type=raw,value=mytag-{{base_ref}} ; type=raw,mytag-defbranch,enable={{is_default_branch}} | - | mytag-master
  type=raw,value={{commit_date YYYY-MM-DD-HHmmSS}} | - | 2020-01-10T00-30-00Z | refused: commit_date is written {{commit_date 'YYYYMMDD'}}
pull_request_target:
  type=sha,priority=2000 ; type=ref,event=pr | - | sha-4f2a9c1 pr-15
  type=ref,event=pr,prefix= | prefix=glo- ; suffix=-bal | 15-bal
  type=ref,event=tag ; type=ref,event=pr ; type=ref,event=branch ; type=sha ; type=sha,format=long | - | pr-15 sha-4f2a9c1 sha-4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234
  type=raw,value=mytag-{{base_ref}} ; type=raw,mytag-defbranch,enable={{is_default_branch}} | - | mytag-master
pull_request by its head:
  default | - | pr-15
  type=ref,event=pr ; type=sha | - | pr-15 sha-b7d03e5
  type=sha,priority=2000 ; type=ref,event=pr | - | sha-b7d03e5 pr-15
  type=ref,event=pr | prefix=glo- ; suffix=-bal | pr-15-bal
  type=ref,event=pr,prefix= | prefix=glo- ; suffix=-bal | 15-bal
  type=raw,value=mytag-{{base_ref}} ; type=raw,mytag-defbranch,enable={{is_default_branch}} | - | mytag-master
  type=raw,value=src-{{commit_date YYYY-MM-DD}} | - | src-2020-01-10T00-30-00Z | refused: commit_date is written {{commit_date 'YYYYMMDD'}}
pull_request_target by its head:
  type=sha,priority=2000 ; type=ref,event=pr | - | sha-b7d03e5 pr-15
  type=ref,event=pr,prefix= | prefix=glo- ; suffix=-bal | 15-bal
  type=ref,event=tag ; type=ref,event=pr ; type=ref,event=branch ; type=sha ; type=sha,format=long | - | pr-15 sha-b7d03e5 sha-b7d03e5f1a2c4e6880917263544536271809f0e1
  type=raw,value=mytag-{{base_ref}} ; type=raw,mytag-defbranch,enable={{is_default_branch}} | - | mytag-master
schedule:
  default | - | nightly master
  type=schedule,pattern={{date 'YYYYMMDD'}} ; type=schedule,pattern=source-date-{{commit_date 'YYYY-MM-DD'}} | - | 20200110 source-date-2020-01-10
  type=schedule,pattern={{date 'YYYYMMDD-HHmmss'}} | - | 20200110-003000
  type=schedule ; type=sha | - | nightly sha-4f2a9c1
  type=schedule ; type=sha,priority=2000 ; type=raw,value=defbranch,enable={{is_default_branch}} | - | sha-4f2a9c1 nightly defbranch
  type=schedule | prefix=glo- ; suffix=-bal | glo-nightly-bal
  type=schedule,pattern={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}} ; type=schedule,pattern=src-{{commit_date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}} | - | 20200110-093000 src-20200110-093000
release v1.1.1:
  default | - | v1.1.1 latest
  type=ref,event=tag ; type=raw,value=baseref-{{base_ref}} ; type=raw,value=defbranch,enable={{is_default_branch}} | - | v1.1.1 baseref- latest
  type=raw,value=src-{{commit_date 'YYYYMMDD-HHmmss'}} ; type=raw,value={{date 'YYYYMMDD-HHmmss'}} | - | src-20200110-003000 20200110-003000
`

interface TagCase {
  on: string
  rules: string[]
  flavor: string[]
  /** With spaces between them. */
  tags: string
  /** What launchway gives instead (docs/guide/image-tags.md says why). */
  ours?: string
  /** What launchway says to who writes this. */
  refused?: string
}

/** GITHUB_SHA, and the head of the pull request, which differs from that. */
export const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'
export const head = 'b7d03e5f1a2c4e6880917263544536271809f0e1'

export function tagCases(): TagCase[] {
  let on = ''
  return table.split('\n').flatMap((line) => {
    if (line === '') return []
    if (!line.startsWith(' ')) {
      on = line.slice(0, -1)
      return []
    }
    const [rules = '', flavor = '', tags = '', other = ''] = line.trim().split(' | ')
    const [, kind, what = ''] = /^(ours|refused): (.*)$/.exec(other) ?? []
    return {
      on,
      rules: rules === 'default' ? [] : rules.split(' ; '),
      flavor: flavor === '-' ? [] : flavor.split(' ; '),
      tags: tags === '-' ? '' : tags,
      ...(kind === 'ours' ? { ours: what } : kind === 'refused' ? { refused: what } : {}),
    }
  })
}
