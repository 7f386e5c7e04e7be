import { Input, List, VisuallyHidden } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { insertAtCursor } from '../../components/code-editor.tsx';
import { highlight, type Token } from '../../components/highlight.ts';
import { completionAt, expressionBefore, type Completion } from './completion.ts';
import classes from './template-editor.module.css';
import colours from './tokens.module.css';

export type Known = {
  names: readonly string[];
  filters: readonly string[];
  /** What a name stands for in the action that is looked at, in short. */
  sample: (name: string) => string | null;
};

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  known: Known;
  language?: 'json' | 'liquid';
  /** One line: Enter does nothing. */
  isLine?: boolean;
  rows?: number;
  description?: ReactNode;
  placeholder?: string;
  error?: ReactNode;
  /** Names that no event has, with the server's sentence on each. */
  warnings?: { name: string | null; message: string }[];
  onFocus?: (input: HTMLTextAreaElement) => void;
  hideLabel?: boolean;
  required?: boolean;
};

const noWarnings: { name: string | null; message: string }[] = [];

/** A text with expressions in `{{ }}`: coloured, completed as one types, unknown names underlined. */
export function TemplateEditor(props: Props) {
  const { label, value, onChange, known, language = 'liquid', isLine = false, rows = 1 } = props;
  const { description, placeholder, error, warnings = noWarnings, onFocus, hideLabel, required } = props;
  const id = useId();
  const input = useRef<HTMLTextAreaElement>(null);
  const overlay = useRef<HTMLPreElement>(null);
  const holder = useRef<HTMLDivElement>(null);
  const [completion, setCompletion] = useState<Completion | null>(null);
  const [chosen, setChosen] = useState(0);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  const isLeaving = useRef(false);
  const unknown = useMemo(() => warnings.flatMap(({ name }) => (name === null ? [] : [name])), [warnings]);
  const tokens = useMemo(() => marked(value, language, unknown), [value, language, unknown]);

  const complete = (element: HTMLTextAreaElement, isAsked = false) => {
    const at = element.selectionEnd;
    const found =
      element.selectionStart === at && (isAsked || expressionBefore(element.value, at) !== null)
        ? completionAt(element.value, at, known)
        : null;
    setCompletion(found);
    setChosen(0);
  };
  useLayoutEffect(() => {
    if (!completion || !overlay.current || !holder.current) return;
    const caret = placeOf(overlay.current, completion.from);
    const around = holder.current.getBoundingClientRect();
    const left = Math.max(0, Math.min(caret.left - around.left - 8, around.width - 280));
    setPlace({ left, top: caret.bottom - around.top + 4 });
  }, [completion]);
  useLayoutEffect(() => {
    if (completion) document.getElementById(`${id}-option-${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [completion, chosen, id]);

  const accept = (index: number) => {
    const element = input.current;
    const option = completion?.options[index];
    if (!element || !completion || !option) return;
    element.setSelectionRange(completion.from, element.selectionEnd);
    setCompletion(null);
    const isClosed = /^\s*(?:\}\}|%\}|\|)/.test(element.value.slice(element.selectionEnd));
    const isOutput =
      element.value.slice(0, completion.from).lastIndexOf('{{') >
      element.value.slice(0, completion.from).lastIndexOf('{%');
    insertAtCursor(element, option.text + (isClosed || !isOutput ? '' : ' }}'));
    if (!isClosed && isOutput) {
      const end = element.selectionEnd - 3;
      element.setSelectionRange(end, end);
    }
    setCompletion(null);
  };

  const onKey = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const { key, currentTarget: element } = event;
    if (completion) {
      const count = completion.options.length;
      if (key === 'ArrowDown' || key === 'ArrowUp') {
        event.preventDefault();
        setChosen((chosen + (key === 'ArrowDown' ? 1 : count - 1)) % count);
        return;
      }
      if (key === 'Enter' || key === 'Tab') {
        event.preventDefault();
        accept(chosen);
        return;
      }
      if (key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        setCompletion(null);
        return;
      }
    }
    if (key === ' ' && event.ctrlKey) {
      event.preventDefault();
      complete(element, true);
    } else if (key === 'Enter' && isLine) event.preventDefault();
    else if (key === 'Escape') isLeaving.current = true;
    else if (key === 'Tab' && !isLine && !isLeaving.current && !event.shiftKey) {
      event.preventDefault();
      insertAtCursor(element, '  ');
    }
  };

  const isOpen = completion !== null;
  return (
    <Input.Wrapper
      id={id}
      label={hideLabel ? undefined : label}
      description={description}
      error={error}
      withAsterisk={required ?? false}
    >
      <div className={classes['holder']} ref={holder}>
        <div className={classes['frame']} data-error={error ? true : undefined}>
          <div className={classes['scroll']}>
            <pre className={`${classes['text']} ${colours['tokens']}`} aria-hidden="true" ref={overlay}>
              {tokens.map(({ text, kind, isUnknown }, index) =>
                kind || isUnknown ? (
                  <span
                    key={index}
                    data-token={kind}
                    className={isUnknown ? classes['unknown'] : undefined}
                    data-unknown={isUnknown ? true : undefined}
                  >
                    {text}
                  </span>
                ) : (
                  text
                ),
              )}
              {isLine ? '\u200b' : '\n'}
            </pre>
            <textarea
              ref={input}
              id={id}
              className={`${classes['text']} ${classes['input']}`}
              value={value}
              rows={rows}
              placeholder={placeholder}
              spellCheck={false}
              autoCapitalize="off"
              autoComplete="off"
              aria-label={hideLabel ? label : undefined}
              aria-invalid={error ? true : undefined}
              aria-autocomplete="list"
              aria-controls={isOpen ? `${id}-options` : undefined}
              aria-activedescendant={isOpen ? `${id}-option-${chosen}` : undefined}
              onChange={(event) => {
                const { currentTarget: element } = event;
                onChange(isLine ? element.value.replaceAll(/[\r\n]+/g, ' ') : element.value);
                complete(element);
              }}
              onKeyDown={onKey}
              onFocus={(event) => {
                isLeaving.current = false;
                onFocus?.(event.currentTarget);
              }}
              onClick={() => setCompletion(null)}
              onBlur={() => setCompletion(null)}
            />
          </div>
        </div>
        {completion && (
          <ul
            id={`${id}-options`}
            role="listbox"
            aria-label="Completions"
            className={classes['options']}
            style={place}
          >
            {completion.options.map(({ text, kind }, index) => (
              <li
                key={text}
                id={`${id}-option-${index}`}
                role="option"
                aria-selected={index === chosen}
                className={classes['option']}
                onMouseDown={(event) => {
                  // The text keeps the focus.
                  event.preventDefault();
                  accept(index);
                }}
              >
                {text}
                {kind === 'name' && known.sample(text) !== null && (
                  <span className={classes['sample']}>{known.sample(text)}</span>
                )}
              </li>
            ))}
          </ul>
        )}
        <VisuallyHidden role="status">
          {completion ? `${completion.options.length} completions` : ''}
        </VisuallyHidden>
      </div>
      {warnings.length > 0 && (
        <List size="xs" mt={4} c="yellow" listStyleType="none" data-warnings>
          {warnings.map(({ message }) => (
            <List.Item key={message}>{message}</List.Item>
          ))}
        </List>
      )}
    </Input.Wrapper>
  );
}

type Marked = Token & { isUnknown?: boolean };

/** Expressions stand out in a text of JSON too, and unknown names within them. */
function marked(text: string, language: 'json' | 'liquid', unknown: string[]): Marked[] {
  return highlight(text, language)
    .flatMap((token): Marked[] => (token.kind === 'template' ? [token] : splitOff(token)))
    .flatMap((token) => (token.kind === 'template' ? splitUnknown(token, unknown) : [token]));
}

function splitOff(token: Token): Token[] {
  return token.text
    .split(/(\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\})/)
    .filter((part) => part !== '')
    .map((text) => (/^\{[{%]/.test(text) ? { text, kind: 'template' as const } : { ...token, text }));
}

function splitUnknown(token: Token, unknown: string[]): Marked[] {
  if (unknown.length === 0) return [token];
  const names = unknown
    .toSorted((a, b) => b.length - a.length)
    .map((name) => name.replaceAll(/[^\w]/g, String.raw`\$&`));
  const pattern = new RegExp(String.raw`(?<![\w.])(${names.join('|')})(?![\w])`);
  return token.text
    .split(pattern)
    .map((text, index) => (index % 2 === 1 ? { ...token, text, isUnknown: true } : { ...token, text }))
    .filter(({ text }) => text !== '');
}

/** Where a character of the text stands in the window. */
function placeOf(overlay: HTMLElement, offset: number): DOMRect {
  const walker = document.createTreeWalker(overlay, NodeFilter.SHOW_TEXT);
  let left = offset;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const { length } = node.textContent ?? '';
    if (left <= length) {
      const range = document.createRange();
      range.setStart(node, left);
      range.setEnd(node, Math.min(left + 1, length));
      return range.getBoundingClientRect();
    }
    left -= length;
  }
  return overlay.getBoundingClientRect();
}
