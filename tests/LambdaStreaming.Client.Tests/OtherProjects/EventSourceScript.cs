namespace LambdaStreaming.Tests.OtherProjects;

/// <summary>What the suite's tests need of a browser and of testharness.js.</summary>
internal static class EventSourceScript
{
    // Sources: HTML standard, 9.2, "Server-sent events"; web-platform-tests, documentation of testharness.js.
    // A reconnection takes no time, but advances the clock that the tests read by the reconnection time.
    public const string Text =
        """
        const sources = [], tests = [];
        let now = 1;

        globalThis.Date = class { getTime() { return now; } };

        class EventSource {
          CONNECTING = 0; OPEN = 1; CLOSED = 2;
          readyState = 0; lastEventId = ''; reconnectionTime = 100;
          #listeners = [];

          constructor(url) { this.url = url; sources.push(this); }

          addEventListener(type, listener) { this.#listeners.push({ type, listener }); }

          close() { this.readyState = this.CLOSED; }

          open() { this.readyState = this.OPEN; this.#dispatch('open', {}); }

          receive(type, data, id, retry) {
            this.lastEventId = id ?? this.lastEventId;
            this.reconnectionTime = retry ?? this.reconnectionTime;
            this.#dispatch(type, { data, lastEventId: this.lastEventId });
          }

          reconnect() {
            if (this.readyState === this.CLOSED) return;
            this.readyState = this.CONNECTING;
            now += this.reconnectionTime;
            this.#dispatch('error', {});
          }

          #dispatch(type, event) {
            if (this.readyState === this.CLOSED) return;
            if (['open', 'message', 'error'].includes(type)) this['on' + type]?.call(this, event);
            for (const { type: other, listener } of this.#listeners) if (other === type) listener.call(this, event);
          }
        }

        class Test {
          isDone = false;
          #cleanups = [];

          step(action, target, ...values) {
            if (this.isDone) return;
            try {
              return action.apply(target ?? this, values);
            } catch (error) {
              this.failure ??= String(error);
            }
          }

          step_func(action, target) { return (...values) => this.step(action, target, ...values); }

          add_cleanup(action) { this.#cleanups.push(action); }

          done() {
            this.isDone = true;
            for (const action of this.#cleanups) action();
          }
        }

        function async_test(action) {
          const test = new Test();
          tests.push(test);
          if (typeof action === 'function') test.step(action, test, test);
          return test;
        }

        function assert_equals(actual, expected) {
          if (actual !== expected) throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
        }

        function assert_true(value) { assert_equals(value, true); }
        function assert_false(value) { assert_equals(value, false); }
        function assert_unreached() { throw new Error('unreached'); }
        """;
}
