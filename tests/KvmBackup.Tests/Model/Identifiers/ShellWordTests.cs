using KvmBackup.Shell;
using Serilog.Core;

namespace KvmBackup.Tests.Model.Identifiers;

public sealed class ShellWordTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("/a/b-c_d.e:f=g,h@i%j", "/a/b-c_d.e:f=g,h@i%j")]
    [InlineData("", "''")]
    [InlineData("a b", "'a b'")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("$(x)", "'$(x)'")]
    [InlineData("ü", "'ü'")]
    [InlineData("a\nb", "\"$(printf '\\141\\012\\142')\"")]
    public void A_word_is_quoted_when_a_shell_requires_it(string word, string quoted) =>
        Assert.Equal(quoted, ShellWord.Quote(word));

    [Theory]
    [InlineData("my vm's disk.qcow2")]
    [InlineData("a\n; touch pwned; '")]
    [InlineData("`x` $(x) \\ \" * ~ ; & | < >")]
    public async Task A_shell_reads_the_original_word(string word)
    {
        ProgramResult result = await new ProcessRunner(Logger.None, TimeProvider.System).RunAsync(
            new ProgramCall("sh", ["-c", $"printf %s {ShellWord.Quote(word)}"]), CancellationToken.None);

        Assert.Equal(word, result.StandardOutput);
    }
}
