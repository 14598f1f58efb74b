;; world: proxy
;; shape: embedded
;; The same as hello, left as a core module with its component type in a custom section: what many
;; real Spin artifacts are. The host makes the component of it.
(module
  ;; include: respond.part
  (data (i32.const 1024) "Hello from an embedded type\n")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (call $respond (local.get $out) (i32.const 1024) (i32.const 28))))
