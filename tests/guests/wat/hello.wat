;; world: proxy
;; Answers every request with 200 and one line, by the canonical ABI alone: no language runtime.
(module
  ;; include: respond.part
  (data (i32.const 1024) "Hello from WAT\n")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (call $respond (local.get $out) (i32.const 1024) (i32.const 15))))
