<?php
$config = ['people' => [
    'exampleauth:UserPass',
    'alice:alice' => ['uid' => ['alice'], 'mail' => ['alice@example.com'], 'displayName' => ['Alice Ärlig <&"\'>'], 'groups' => ['staff', 'eng & ops']],
    'nomail:nomail' => ['uid' => ['nomail'], 'displayName' => ['No Mail']],
]];
