/** Texts after `FROM scratch`, and the first line of the whole that is no instruction, with its word. */
export type DockerfileCase = [name: string, text: string, wrong: [line: number, word: string] | undefined]

const fine: [string, string][] = [
  ['nothing but what there is', 'ARG A=1\ncopy a b\nRuN x\nUSER x\n'],
  ['a here-document', 'RUN <<EOF\nhello\nEOF\nUSER x\n'],
  ['a here-document with its end indented within', 'RUN <<EOF\nhello\n EOF\n\tEOF\nEOF\n'],
  ['one without tabs', 'RUN <<-EOF\n\thello\n\tEOF\nUSER x\n'],
  ['two of them', 'RUN <<A cat <<B\nx\nA\ny\nB\nUSER x\n'],
  ['one in quotes', "RUN <<'EOF' sh\nhello\nEOF\nUSER x\n"],
  ['one with spaces in its name', 'RUN cat <<"E O F"\nhello\nE O F\nUSER x\n'],
  ['one that is escaped', 'RUN cat <<\\EOF\nhello\nEOF\nUSER x\n'],
  ['one of another number', 'RUN foo 3<<EOF\nhello\nEOF\nUSER x\n'],
  ['one whose name goes on', 'RUN cat <<EOF>f\nhello\nEOF>f\nUSER x\n'],
  ['one behind flags', 'RUN --mount=type=cache,target=/x <<EOF\nhello\nEOF\nUSER x\n'],
  ['one of COPY', 'COPY <<EOF /a\nhello\nEOF\nUSER x\n'],
  ['one behind ONBUILD', 'ONBUILD RUN <<EOF\nhello\nEOF\nUSER x\n'],
  ['one with comments in it', 'RUN <<EOF\n# hello\nhello\nEOF\nUSER x\n'],
  ['lines that go on', 'RUN a && \\\n  hello && \\  \n  there\nUSER x\n'],
  ['a comment within an instruction', 'RUN a && \\\n# no\n  # no\n  hello\nUSER x\n'],
  ['an empty line within an instruction', 'RUN a && \\\n\n  \n  hello\nUSER x\n'],
  ['an end within an instruction', 'CMD a \\\n'],
  ['line ends of Windows', 'RUN a && \\\r\n  hello\r\nRUN <<EOF\r\nhello\r\nEOF\r\nUSER x\r\n'],
  ['what looks like a here-document in quotes', 'RUN echo "a <<b c"\nUSER x\n'],
]
const wrong: [string, string, number, string][] = [
  ['a word too long', 'RUNN x\n', 2, 'RUNN'],
  ['a word in small letters', 'USER x\n\n# said\n  coppy a b\n', 5, 'COPPY'],
  ['the second line of a shell', 'RUN apt-get install -y\n  curl\n', 3, 'CURL'],
  ['a comment behind slashes', '// said\n', 2, '//'],
  ['a body whose name stands apart', 'RUN cat << EOF\nhello\nEOF\n', 3, 'HELLO'],
  ['a body of what has none', 'CMD cat <<EOF\nhello\nEOF\n', 3, 'HELLO'],
  ['what follows a word from a shell', 'RUN cat <<<word\nHELLO x\n', 3, 'HELLO'],
  ['what follows a shift', 'RUN echo $((1<<3))\nHELLO x\n', 3, 'HELLO'],
  ['what follows a list', 'RUN ["sh", "-c", "cat <<EOF"]\nHELLO x\n', 3, 'HELLO'],
  ['what follows a quote that does not end', "RUN echo it's <<EOF\nhello\nEOF\n", 3, 'HELLO'],
  ['what follows a doubled sign', 'RUN echo a\\\\\nHELLO x\n', 3, 'HELLO'],
  ['a here-document of a misspelt word', 'RUNN <<EOF\nhello\nEOF\n', 2, 'RUNN'],
]

export const dockerfileCases: readonly DockerfileCase[] = [
  ...fine.map(([name, text]): DockerfileCase => [name, `FROM scratch\n${text}`, undefined]),
  ...wrong.map(([name, text, line, word]): DockerfileCase => [name, `FROM scratch\n${text}`, [line, word]]),
  ['another sign for lines that go on', '# escape=`\nFROM scratch\nRUN a `\n  hello\nCOPY a\\ b c\\\nUSER x\n', undefined],
  ['the same, said too late', '# said\n# escape=`\nFROM scratch\nRUN a `\n  hello\n', [5, 'HELLO']],
  ['a byte order mark', '\uFEFFFROM scratch\nUSER x\n', undefined],
  ['FROM misspelt', 'FORM scratch\n', [1, 'FORM']],
]
