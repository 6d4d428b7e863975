"""What Chinese names are made of: family names, titles and words of kinship, and what looks like a name and is none."""

_HUNDRED_FAMILIES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常"
    "乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌"
    "霍虞万支柯昝管卢莫经房裘缪干解应宗丁宣贲邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊於惠甄麴家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋"
    "仲伊宫宁仇栾暴甘钭厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴鬱胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍郤璩桑桂濮牛寿通边扈燕"
    "冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧殳沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰"
    "巢关蒯相查后荆红游竺权逯盖益桓公"
)
"""The family names of one character in 《百家姓》."""

_LATER = "肖付佟覃苟代岳帅缑亢况郈琴商牟佘佴伯赏墨哈谯年爱阳仝闫邸涂妫士逢审荷卿尉"

FAMILY = frozenset(_HUNDRED_FAMILIES + _LATER)

TWO_CHARACTER_FAMILY = frozenset(
    "欧阳 司马 上官 诸葛 慕容 令狐 皇甫 尉迟 公孙 夏侯 东方 南宫 独孤 司徒 端木 轩辕 百里 宇文 长孙 西门 太史 申屠 澹台 宗政 濮阳 淳于 单于 呼延 东郭 拓跋 闻人 钟离 鲜于 闾丘 司空 第五 完颜".split()
)

ORDINARY = frozenset(
    "诸于和方时成何高车文武金钱白花水云明安费常包平左计应全经容单都关连温解强充满能别后空师国公东家年代干元通利双广相终居须养爱越益盖景党那山牧井富松谷怀从印束幸红权房路管支"
    "祖侯游易古向边万鱼羊牛马石米毛步乐麻皮项施查昌苗井季封班秋仰危伏狄戈束印薄宿牧弓乌巴荣阴寿扶堵柴燕尚农宦慎隆融冷辛勾沃蔚简饶丰须沙伯赏墨哈帅商荷卿士审逢"
)
"""Family names that are common words besides: of these alone a name is not believed."""

TITLES = tuple(
    "太夫人 夫人 太太 大奶奶 二奶奶 奶奶 姨妈 姨娘 姥姥 嬷嬷 妈妈 婆婆 大娘 大妈 大婶 大嫂 嫂子 婶子 婶娘 婶婶 大哥哥 哥哥 大姐姐 姐姐 妹妹 弟弟 哥儿 姐儿 姑娘 小姐 先生 师傅 师父 掌柜 郎中 木匠 铁匠 老爷子 "
    "老爷 老爹 老倌 老头 大爷爷 大爷 二爷 三爷 四爷 五爷 大叔 二叔 三叔 叔叔 大伯 伯伯 爷爷 大人 大哥 二哥 三哥 大姐 二姐 三姐 四姐 妹子 大舅 将军 丞相 皇叔 太守 员外 道士 道人 和尚 大夫 医生 太医 老师 教授 经理 队长 局长 "
    "主任 书记 老板 司机 警官 兄弟 丫头 小子 太君 公子 娘子 相公 大侠 女侠 掌门 长老 师兄 师姐 师弟 师妹 太后 贵妃 国老 国太 老娘 堂官 医师 护士 校长 同学 总管 管家 捕头".split()
)
"""Titles and words of kinship of two characters and more, that stand behind a name."""

SHORT_TITLES = frozenset("婶嫂氏母公姐哥叔爷婆妈伯")

ROLES = frozenset(TITLES) | frozenset(
    "媳妇 老太太 众人 众官 众将 丫鬟 小厮 婆子 仆人 童子 老叟 尼姑 姑子 师爷 老翁 天子 皇帝 主公 都督 军师 先锋 使者 军士 百姓 左右 探子 门吏 伙计 学徒 知县 知府 县令 太监 娘娘 王爷 公主 皇后 陛下 元帅 大王 众臣 群臣 文武 书办 老尼 "
    "孩子 男孩 女孩 男人 女人 老人 少年 青年 姑妈 舅舅 舅母 叔父 父亲 母亲 爸爸 外公 外婆 儿子 女儿 丈夫 妻子 老婆 老公 女婿 老祖宗 祖宗 客人 主人 店主 老板娘 车夫 船家 乡邻 邻居 二人 三人 四人 此人 其人 有人 别人 旁人 何人 大家 自己 "
    "姊妹 母女 父子 清客 家人 下人 奴才 小的 亲友 后主 先主 先帝 家母 家父 贱妾 小人 老夫 老身 在下 本官 账房 闺女 老汉 庄主 姬妾 孙女 孙子 孔子 孟子 王法 客官 差役 官兵 夫子 校尉 司马 太尉 令尊 令堂 侍郎 尚书 侍中 长史 主簿 别驾".split()
)
"""Words for a person that name nobody."""

FUNCTION = frozenset(
    "的了着过是不在有我你他她它这那就也都又便因说笑问道曰听见忙等们么吗呢吧啊哪谁什怎很把被让给对从往得地与及或但却再还才且其之以为所将要没只已曾去来起出上下里外到进叫做完罢咧呀些个"
    "亦即并皆遂乃而则乘急喝命使令引领早先正忽吾汝尔某此俱赍众阵兵入字久吾汝尔某此想看站走哭叹点答应取"
)
"""Characters that seldom stand in a name, and often beside one."""

ENDS_OF_NAMES = frozenset("就正先之那")
"""Of these, the ones that end a name now and then: 陈就, 郤正."""

NUMBERS = frozenset("零一二三四五六七八九十百千万两几半每第")

PLACES = frozenset(
    "州城郡县关河江岭谷寨村镇渡府宫殿阁庙寺桥街路湾岛国庄店房家门院洞道兵军主侯帝王朝阵庵山"
)
"""Characters with which places and houses end."""

COMMON_FAMILIES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘蔡蒋余杜程苏魏吕丁任沈姚卢姜崔钟谭陆汪范廖贾夏付方邹熊孟秦邱侯江尹薛阎段雷黎史陶贺顾毛郝龚邵钱严洪武孔汤马叶"
)
"""The family names that most people bear."""

SPEECH = frozenset("道曰说问答喊")
"""What stands behind the one who speaks."""
