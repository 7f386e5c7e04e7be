import { Input } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { useMemo, useRef, type KeyboardEvent, type ReactNode, type Ref } from 'react';
import { highlight, type Language } from './highlight.ts';
import classes from './code-editor.module.css';

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  language: Language;
  description?: ReactNode;
  error?: ReactNode;
  readOnly?: boolean;
  minRows?: number;
  /** The text area itself, for what puts text in at the cursor (`insertAtCursor`). */
  inputRef?: Ref<HTMLTextAreaElement>;
};

/**
 * A text area over the same text in colours: what one types in is the browser's own, with its undo and its spelling off.
 * Tab indents; Escape gives it back for leaving. Pages load it lazily: `lazy(() => import('…/code-editor.tsx'))`.
 */
export default function CodeEditor(props: Props) {
  const {
    label,
    value,
    onChange,
    language,
    description,
    error,
    readOnly = false,
    minRows = 6,
    inputRef,
  } = props;
  const id = useId();
  const isLeaving = useRef(false);
  const tokens = useMemo(() => highlight(value, language), [value, language]);
  const lines = value.split('\n').length;
  const onKey = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Escape') isLeaving.current = true;
    else if (event.key === 'Tab' && !isLeaving.current && !readOnly && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (event.shiftKey) unindent(event.currentTarget);
      else insertAtCursor(event.currentTarget, '  ');
    } else if (event.key !== 'Shift') isLeaving.current = false;
  };
  return (
    <Input.Wrapper id={id} label={label} description={description} error={error}>
      <div className={classes['frame']} data-error={error ? true : undefined}>
        <div className={classes['numbers']} aria-hidden="true">
          {Array.from({ length: Math.max(lines, minRows) }, (_, index) => index + 1).join('\n')}
        </div>
        <div className={classes['scroll']}>
          <pre className={classes['text']} aria-hidden="true">
            {tokens.map(({ text, kind }, index) =>
              kind ? (
                <span key={index} data-token={kind}>
                  {text}
                </span>
              ) : (
                text
              ),
            )}
            {'\n'}
          </pre>
          <textarea
            ref={inputRef}
            id={id}
            className={`${classes['text']} ${classes['input']}`}
            value={value}
            readOnly={readOnly}
            rows={minRows}
            wrap="off"
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            aria-invalid={error ? true : undefined}
            aria-keyshortcuts="Escape"
            onChange={(event) => onChange(event.currentTarget.value)}
            onKeyDown={onKey}
            onBlur={() => (isLeaving.current = false)}
          />
        </div>
      </div>
    </Input.Wrapper>
  );
}

/** As if typed, so that it can be undone. */
export function insertAtCursor(input: HTMLTextAreaElement, text: string): void {
  input.focus();
  // Deprecated, and the only way that keeps the browser's undo.
  document.execCommand('insertText', false, text);
}

function unindent(input: HTMLTextAreaElement): void {
  const cursor = input.selectionStart;
  const start = input.value.lastIndexOf('\n', cursor - 1) + 1;
  const spaces = /^ {1,2}/.exec(input.value.slice(start))?.[0].length ?? 0;
  if (spaces === 0) return;
  input.setSelectionRange(start, start + spaces);
  document.execCommand('delete');
  const back = Math.max(start, cursor - spaces);
  input.setSelectionRange(back, back);
}
