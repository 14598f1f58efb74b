;; world: proxy
;; shape: truncated
;; The first half of a good component, as an interrupted download leaves it.
(module
  ;; include: respond.part
  (data (i32.const 1024) "Hello from WAT\n")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (call $respond (local.get $out) (i32.const 1024) (i32.const 15))))
