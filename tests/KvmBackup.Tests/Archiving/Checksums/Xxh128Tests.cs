using KvmBackup.Archiving.Checksums;

namespace KvmBackup.Tests.Archiving.Checksums;

/// <summary>The checksum is the standard XXH128.</summary>
public sealed class Xxh128Tests
{
    [Theory]
    [InlineData("", "99aa06d3014798d86001c324468d497f")]
    [InlineData("a", "a96faf705af16834e6c632b61e964e1f")]
    public void Known_inputs_have_their_known_checksums(string word, string checksum) =>
        Assert.Equal(checksum, Xxh128.Format(Xxh128.Of(System.Text.Encoding.ASCII.GetBytes(word))));

    [Fact]
    public void Pieces_have_the_checksum_of_the_whole()
    {
        byte[] bytes = new byte[3_000_017];
        new Random(7).NextBytes(bytes);
        using Xxh128 pieces = new();
        foreach (byte[] piece in bytes.Chunk(70_001))
        {
            pieces.Append(piece);
        }

        Assert.Equal(Xxh128.Of(bytes), pieces.Finish());
        bytes[1_500_000] ^= 1;
        Assert.NotEqual(Xxh128.Of(bytes), pieces.Finish());
    }

    [Fact]
    public void Checksums_are_added_with_their_highest_byte_first()
    {
        using Xxh128 tree = new();
        tree.Append((UInt128)0xa5 << 120);

        Assert.Equal(Xxh128.Of([0xa5, .. new byte[15]]), tree.Finish());
    }

    [Fact]
    public void A_dispose_during_use_by_another_thread_is_safe()
    {
        Xxh128 sum = new();
        sum.Dispose();

        Assert.Throws<ObjectDisposedException>(() => sum.Append("late"u8));
        Assert.Throws<ObjectDisposedException>(() => sum.Append(UInt128.One));
        Assert.Throws<ObjectDisposedException>(() => sum.Finish());
        sum.Dispose();
    }

    [Theory]
    [InlineData(null), InlineData(""), InlineData("a5"), InlineData("A96FAF705AF16834E6C632B61E964E1F")]
    [InlineData(" 96faf705af16834e6c632b61e964e1f"), InlineData("+96faf705af16834e6c632b61e964e1f"),
        InlineData("0a96faf705af16834e6c632b61e964e1f")]
    public void An_invalid_checksum_is_not_parsed(string? text) => Assert.Null(Xxh128.Parse(text));

    [Fact]
    public void A_formatted_checksum_is_parsed_to_the_same_value() =>
        Assert.All(
            new UInt128[] { 0, 1, UInt128.MaxValue }, value => Assert.Equal(value, Xxh128.Parse(Xxh128.Format(value))));
}
